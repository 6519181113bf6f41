"""The notebook workbench: label, review and train where the speech is heard."""

__all__: list[str] = []
