"""The group of commands."""

from __future__ import annotations

import click

from relaylib.cli.convert import convert
from relaylib.cli.demo import demo
from relaylib.cli.detect import detect
from relaylib.cli.embed import embed
from relaylib.cli.evaluate import evaluate
from relaylib.cli.inject import inject
from relaylib.cli.output import use_utf8
from relaylib.cli.train import train
from relaylib.cli.tune import tune
from relaylib.version import __version__

__all__ = ["main"]


class _InOrder(click.Group):
    """Lists the commands in the order in which one meets them, not by the alphabet."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)


@click.group(
    cls=_InOrder,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="""\b
First steps:
  relaylib demo                                            # everything once, on speech that comes along
  relaylib detect tts-artifacts new/                       # by a detector that comes along
  relaylib train labels.json --audio speech/ --out my.safetensors
  relaylib detect my.safetensors new/ --out found.json
  relaylib evaluate found.json labels.json --report report.html

Exit status: 0 done; 1 an error, or some files failed; 2 wrong usage. Each command has its own --help.""",
)
@click.version_option(__version__, prog_name="relaylib")
def main() -> None:
    """Find clicks, long pauses, echoes, repetitions and other artifacts in synthetic speech, with times in ms."""
    use_utf8()


for _command in (demo, train, tune, detect, evaluate, embed, inject, convert):
    main.add_command(_command)
