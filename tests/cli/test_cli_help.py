"""Help that teaches, quickly; errors on one line; exit statuses."""

from __future__ import annotations

import logging
import os
import re
import subprocess
import sys
from dataclasses import fields

import click
import pytest
from click.testing import CliRunner

from relaylib.cli import main
from relaylib.cli.convert import NAMES
from relaylib.formats import formats
from relaylib.models import TrainConfig

COMMANDS = ["demo", "train", "tune", "detect", "evaluate", "embed", "inject", "convert"]


def test_the_commands_stand_in_the_order_in_which_one_meets_them():
    assert main.list_commands(click.Context(main)) == COMMANDS


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_with_examples(command, run):
    text = run(command, "--help").output
    assert f"relaylib {command} " in text or f"relaylib {command}\n" in text
    assert "Examples:" in text
    assert "--debug" in text


def test_help_imports_neither_torch_nor_numpy():
    """All of the help comes in a fraction of a second."""
    code = (
        "import sys\nfrom relaylib.cli import main\n"
        f"for c in {COMMANDS}: main([c, '--help'], standalone_mode=False)\n"
        "print(sorted({'torch', 'numpy', 'scipy', 'librosa'} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == "[]\n"


def test_the_module_runs_as_a_program():
    done = subprocess.run(
        [sys.executable, "-m", "relaylib", "detect"], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 2
    assert "Usage: python -m relaylib detect" in done.stderr


def test_files_and_pipes_get_utf8_whatever_the_system_writes(tmp_path):
    """Windows has code pages without most letters, such as this one of western Europe."""
    (tmp_path / "声.csv").write_text("filename,artifact_type,start_ms,end_ms\n", "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "relaylib", "convert", "声.csv", "ä声.json"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONIOENCODING": "cp1252"},
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr.decode()) == (0, "")
    assert "ä声.json" in done.stdout.decode()


def test_convert_lists_the_formats_there_are():
    assert ", ".join(sorted(f.name for f in formats())) == NAMES


def test_the_defaults_that_train_names_are_the_trainers(run):
    """The help is text, so that it needs no torch; this holds it to the truth."""
    text = " ".join(run("train", "--help").output.split())
    for field in fields(TrainConfig):
        if field.name == "artifact_types":
            continue
        flag, value = "--" + field.name.replace("_", "-"), re.escape(str(field.default).removesuffix(".0"))
        assert re.search(rf"{flag} ((?!--).)*\[default: {value}\]", text), flag


@pytest.mark.parametrize(
    "args",
    [
        ["detect", "model"],
        ["detect", "model", "a.wav", "--threshold", "1.5"],
        ["detect", "model", "a.wav", "--merge-window-ms", "9000"],
        ["detect", "model", "a.wav", "--low-threshold", "nan"],
        ["inject", "a.wav", "--out", "x", "--clean-share", "nan"],
        ["convert", ".", "x.json", "--recording", "a.wav"],
        ["train", "labels.json", "--out", "m.safetensors"],
        ["train", "labels.json", "--audio", "no-such-folder", "--out", "m.safetensors"],
        ["train", "labels.json", "--audio", ".", "--out", "m.safetensors", "--layer", "last"],
        ["train", "labels.json", "--audio", ".", "--out", "m.safetensors", "--epochs", "0"],
        ["embed", "a.wav"],
        ["evaluate", "found.json"],
        ["nothing"],
    ],
)
def test_wrong_usage_is_exit_status_2(args, run):
    assert "Error: " in run(*args, status=2).stderr


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["evaluate", "none.json", "none.json"], "error: none.json: No such file or directory\n"),
        (["convert", "none.csv", "x.json"], "error: none.csv: No such file or directory\n"),
        (["convert", "none.csv", "x.doc"], "error: x.doc: no format has this ending; name the format, one of audacity"),
        (["convert", "none.csv", "x", "--to", "elan"], "error: format 'elan' is not known; known are audacity"),
    ],
)
def test_an_error_is_one_line_and_exit_status_1(args, message, run):
    result = run(*args, status=1)
    assert result.stderr.startswith(message)
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""


@pytest.mark.parametrize(("value", "is_colored"), [("", True), ("1", False)])
def test_errors_are_colored_unless_that_is_unwanted(value, is_colored):
    """As on a terminal, by https://no-color.org."""
    result = CliRunner().invoke(main, ["convert", "none.csv", "x.json"], color=True, env={"NO_COLOR": value})
    assert ("\x1b[31m" in result.stderr) == is_colored


def test_debug_shows_the_traceback(run):
    with pytest.raises(FileNotFoundError):
        run("convert", "none.csv", "x.json", "--debug")


def test_a_bug_is_one_line_too(run, monkeypatch, labels, tmp_path):
    """What we did not foresee is called unexpected, and --debug is offered."""
    monkeypatch.setattr("relaylib.formats.read", lambda *args, **kwargs: 1 / 0)
    result = run("convert", labels, tmp_path / "x.csv", status=1)
    assert result.stderr == (
        "error: unexpected ZeroDivisionError: division by zero; run again with --debug and report it\n"
    )


@pytest.mark.parametrize("options", [(), ("--debug",)])
def test_a_command_leaves_the_log_as_it_was(run, labels, tmp_path, options):
    """A program that calls commands itself goes on seeing what it wants to see of our log."""
    log = logging.getLogger("relaylib")
    before = (log.level, list(log.handlers))
    run("convert", labels, tmp_path / "x.csv", *options)
    assert (log.level, list(log.handlers)) == before
