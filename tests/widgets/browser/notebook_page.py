"""A notebook in JupyterLab or Notebook 7, used as a person does: cells are run by keys, outputs are read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from jupyter_apps import JupyterServer
    from playwright.sync_api import Locator, Page

App = Literal["lab", "notebook"]
PLACES = {"lab": "lab/tree/{name}?reset&token={token}", "notebook": "notebooks/{name}?token={token}"}
COLOURS = re.compile("\x1b\\[[0-9;]*m")
RAN = re.compile(r"\[\d+\]:")

READY = """() => {
    const session = window.jupyterapp?.shell?.currentWidget?.sessionContext;
    const kernel = session?.session?.kernel;
    return session?.isReady && kernel?.connectionStatus === "connected" && kernel?.status === "idle";
}"""
CONTENTS = """() => {
    const { content } = window.jupyterapp.shell.currentWidget;
    const read = ({ model }) => [model.type, model.sharedModel.source, model.executionCount ?? null];
    return [...content.widgets].map(read);
}"""
ERRORS = """index => {
    const { outputs } = window.jupyterapp.shell.currentWidget.content.widgets[index].model;
    return outputs.toJSON().filter(one => one.output_type === "error").flatMap(one => one.traceback);
}"""
EXECUTE = "([command, options]) => window.jupyterapp.commands.execute(command, options)"


class NotebookPage:
    """One open notebook."""

    def __init__(self, page: Page, server: JupyterServer, name: str, app: App) -> None:
        self.page = page
        self.server = server
        self.name = name
        self.app = app

    def open(self) -> None:
        """Load the application with the notebook, and wait for its kernel."""
        self.page.goto(self.server.url + PLACES[self.app].format(name=self.name, token=self.server.token))
        self.wait_for_kernel()

    def wait_for_kernel(self) -> None:
        """Wait until the kernel is idle and connected."""
        self.page.wait_for_function(READY, timeout=60_000)

    def cell(self, index: int) -> Locator:
        """Return a cell."""
        return self.page.locator(".jp-Notebook .jp-Cell").nth(index)

    def output(self, index: int) -> Locator:
        """Return the outputs of a cell."""
        return self.cell(index).locator(".jp-OutputArea-output")

    def start(self, index: int) -> None:
        """Begin to run a cell by the keyboard, without waiting for its end."""
        self.cell(index).locator(".cm-content").click()
        self.page.keyboard.press("Control+Enter")

    def run(self, index: int, *, timeout_s: float = 60) -> None:
        """Run a cell that has not run since the kernel started; an exception in it fails the test."""
        self.start(index)
        self.cell(index).locator(".jp-InputPrompt", has_text=RAN).wait_for(timeout=timeout_s * 1000)
        errors = self.page.evaluate(ERRORS, index)
        assert not errors, COLOURS.sub("", "\n".join(errors))

    def text(self, index: int) -> str:
        """Return what a cell has printed or shown as text."""
        return "\n".join(self.output(index).all_inner_texts())

    def contents(self) -> list[tuple[str, str, int | None]]:
        """Return the cells: kind, text, and number of the run."""
        return [tuple(cell) for cell in self.page.evaluate(CONTENTS)]

    def command(self, name: str, **options: object) -> None:
        """Run a command of the application, as its menus do."""
        self.page.evaluate(EXECUTE, [name, options])

    def restart(self, *, clear: bool = True) -> None:
        """Restart the kernel from the menu's command, and say yes; outputs are cleared or stay."""
        command = "notebook:restart-clear-output" if clear else "kernelmenu:restart"
        self.page.evaluate("command => { window.jupyterapp.commands.execute(command); }", command)
        self.page.locator(".jp-Dialog .jp-mod-accept").click()
        self.wait_for_kernel()

    def revive(self) -> None:
        """Wait until a kernel that died is replaced, as the server does by itself, and forget what the old one said."""
        self.page.locator(".jp-Dialog .jp-mod-accept").click()
        self.wait_for_kernel()
        self.command("notebook:clear-all-cell-outputs")

    def theme(self, name: Literal["light", "dark"]) -> None:
        """Switch the application to its light or dark theme."""
        self.command("apputils:change-theme", theme=f"JupyterLab {name.capitalize()}")
        light = "true" if name == "light" else "false"
        self.page.locator(f'body[data-jp-theme-light="{light}"]').wait_for(state="attached")
