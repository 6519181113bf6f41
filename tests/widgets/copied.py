"""The scripts of the views, for node to run."""

from __future__ import annotations

import shutil
from pathlib import Path

from relaylib.widgets import esm


def copied(folder: Path) -> Path:
    """Copy the scripts of the views into a folder, as modules, and return it."""
    for path in (Path(esm.__file__).parent / "static").glob("*.js"):
        shutil.copy(path, folder)
    (folder / "package.json").write_text('{"type": "module"}')
    return folder
