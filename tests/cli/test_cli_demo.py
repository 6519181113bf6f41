"""``relaylib demo`` hands its options on; the demo itself has its own tests."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace


def test_the_demo_gets_a_folder_and_a_seed(run, monkeypatch):
    calls = []
    fake = SimpleNamespace(run=lambda out, **options: calls.append((out, options)))
    monkeypatch.setitem(sys.modules, "relaylib.demo", fake)
    run("demo")
    run("demo", "--out", "x", "--seed", 3)
    assert calls == [(Path("demo-out"), {}), (Path("x"), {"seed": 3})]
