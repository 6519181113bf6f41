"""``relaylib demo`` hands its options on and says where things are; the demo itself has its own tests."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

import relaylib.demo
from relaylib.demo import load_demo


@pytest.fixture
def calls(monkeypatch) -> list[tuple[Path, dict[str, object]]]:
    """Put a stand-in for the demo in its place; return what it is called with."""
    made: list[tuple[Path, dict[str, object]]] = []

    def run(out: Path, **options: object) -> SimpleNamespace:
        made.append((out, options))
        return SimpleNamespace(
            speech=load_demo(),
            pictured="test/a.flac",
            detector_path=out / "detector.safetensors",
            detections_path=out / "detections.json",
            report_path=out / "report.html",
            picture_path=out / "picture.png",
            text=lambda: "the tables",
            to_dict=lambda: {"report": str(out / "report.html")},
        )

    monkeypatch.setitem(vars(relaylib.demo), "run", run)  # so that torch stays out
    return made


def test_the_demo_gets_a_folder_and_a_seed(run, calls):
    run("demo")
    run("demo", "--out", "x", "--seed", 3, "--no-progress")
    assert calls == [
        (Path("demo-out"), {"seed": 0, "progress": None}),
        (Path("x"), {"seed": 3, "progress": False}),
    ]


def test_the_demo_prints_its_tables_and_where_its_files_are(run, calls):
    text = run("demo", "--out", "x").stdout
    assert "the tables" in text
    for name in ("detector.safetensors", "detections.json", "report.html", "picture.png"):
        assert str(Path("x") / name) in text


def test_json_is_all_that_stdout_gets(run, calls):
    assert json.loads(run("demo", "--out", "x", "--json").stdout) == {"report": str(Path("x") / "report.html")}
