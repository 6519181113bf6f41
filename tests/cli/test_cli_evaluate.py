"""``relaylib evaluate``."""

from __future__ import annotations

import json


def test_figures_as_a_table_and_as_json(run, found, labels):
    """One hit, one miss, one false alarm: glitch has F1 1, echo 0."""
    text = run("evaluate", found, labels).stdout
    assert "glitch" in text
    assert "echo" in text
    figures = json.loads(run("evaluate", found, labels, "--json").stdout)
    assert figures["per_class"]["glitch"]["f1_score"] == 1.0
    assert figures["per_class"]["echo"]["f1_score"] == 0.0
    assert figures["config"]["collar_ms"] == 200
    assert figures["unknown_files"] == ["c.wav"] or figures["failed_files"]


def test_the_collar_is_handed_on(run, found, labels):
    """The glitch is 10 ms off."""
    figures = json.loads(run("evaluate", found, labels, "--json", "--collar-ms", 9).stdout)
    assert figures["per_class"]["glitch"]["f1_score"] == 0.0


def test_the_report_is_written(run, found, labels, tmp_path):
    result = run("evaluate", found, labels, "--report", tmp_path / "deep/report.html", "--json")
    assert json.loads(result.stdout)
    assert result.stderr == f"The report is in {tmp_path / 'deep/report.html'}\n"
    assert (tmp_path / "deep/report.html").read_text().lower().startswith("<!doctype html>")


def test_detections_that_are_none_name_the_field(run, labels):
    result = run("evaluate", labels, labels, status=1)
    assert result.stderr == f"error: {labels}: $: Object missing required field `files`.\n"


def test_labels_of_any_format_will_do(run, found, labels, tmp_path):
    run("convert", labels, tmp_path / "labels.csv")
    figures = json.loads(run("evaluate", found, tmp_path / "labels.csv", "--json").stdout)
    assert figures["per_class"]["glitch"]["f1_score"] == 1.0
