from __future__ import annotations

import base64
import io
import re
from html.parser import HTMLParser

import numpy as np
import pytest
import soundfile

from relaylib.errors import ParameterError
from relaylib.evaluate import evaluate, render_report, write_report
from relaylib.types import Annotation, ArtifactType, AudioItem, Detection, FileResult, Manifest, Scores


@pytest.fixture
def case(tmp_path, rng):
    """Four files of three seconds with an error of each kind; one file is not audio."""
    spans = {
        "boundary.wav": ([Annotation(1000, 2000, "echo")], [Detection(1500, 2000, "echo", 0.8)]),
        "wrong.wav": ([Annotation(500, 1500, "echo")], [Detection(500, 1500, "glitch", 0.7)]),
        "alone.wav": ([Annotation(200, 900, "glitch")], [Detection(2000, 2100, "glitch", 0.9)]),
        "text.wav": ([], [Detection(100, 400, "echo", 0.99)]),
    }
    (tmp_path / "audio").mkdir()
    for name in spans:
        soundfile.write(tmp_path / "audio" / name, rng.normal(0, 0.1, 48_000), 16_000)
    (tmp_path / "audio" / "text.wav").write_text("not audio")
    manifest = Manifest(
        (ArtifactType("glitch"), ArtifactType("echo")),
        tuple(AudioItem(f"audio/{name}", 3000, None, tuple(truth)) for name, (truth, _) in spans.items()),
    )
    results = [FileResult(name, 3000, "completed", tuple(found)) for name, (_, found) in spans.items()]
    return manifest, results, tmp_path


class Page(HTMLParser):
    """Collects addresses, and checks that every tag is closed."""

    def __init__(self, html):
        super().__init__()
        self.addresses, self.open, self.wrong, self.tags = [], [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.addresses += [value for name, value in attrs if name in ("src", "href", "data", "action", "srcset")]
        if tag not in ("meta", "img", "link", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


def test_report_is_one_file_that_lists_the_errors(case):
    manifest, results, folder = case
    evaluation = evaluate(manifest, results)
    path = write_report(folder / "report.html", evaluation, manifest, results, audio_root=folder)
    html = path.read_text(encoding="utf-8")
    page = Page(html)
    assert page.addresses
    assert all(address.startswith("data:") for address in page.addresses)
    assert not re.search(r"https?://|url\(|@import|<script|<link", html)
    assert (page.open, page.wrong) == ([], [])
    assert page.tags.count("article") == 5
    assert page.tags.count("audio") == page.tags.count("img") == 4
    for text in (
        "false glitch",
        "missed glitch",
        "starts +500 ms, ends +0 ms off",
        "echo taken for glitch",
        "false echo",
    ):
        assert text in html
    assert "The file cannot be read" in html
    assert len(html) < 6_000_000


def test_clips_can_be_seen_and_heard(case):
    """The missed glitch [200, 900) is heard from 0 to 1.4 s, half a second around it."""
    manifest, results, folder = case
    html = render_report(evaluate(manifest, results), manifest, results, audio_root=folder)
    card = html[html.index("missed glitch") :]
    sound = re.search(r'src="data:audio/flac;base64,([^"]+)"', card).group(1)
    samples, rate = soundfile.read(io.BytesIO(base64.b64decode(sound)))
    original, _ = soundfile.read(folder / "audio" / "alone.wav")
    assert (rate, len(samples)) == (16_000, 22_400)
    np.testing.assert_allclose(samples[:22_300], original[:22_300], atol=1e-3)
    picture = re.search(r'src="data:image/png;base64,([^"]+)"', card).group(1)
    assert base64.b64decode(picture).startswith(b"\x89PNG")


def test_report_without_audio_or_events_still_stands(case):
    manifest, results, folder = case
    html = render_report(evaluate(manifest, results), manifest, results)
    assert "No audio folder was given." in html
    assert "data:" not in html
    assert "The file is not in" in render_report(
        evaluate(manifest, results), manifest, results, audio_root=folder / "nowhere"
    )
    for results_ in ([], [FileResult("text.wav", 3000, "completed")]):
        html = render_report(evaluate(manifest, results_), manifest, results_)
        assert "There are none." in html
        assert "nan" not in html.replace("nant", "")


def test_report_shows_what_was_not_scored(case):
    manifest, results, _ = case
    odd = [
        FileResult("alone.wav", None, "failed", (), "<b>broken</b>"),
        *results[:2],
        FileResult("x.wav", 1, "completed"),
    ]
    html = render_report(evaluate(manifest, odd), manifest, odd)
    for text in ("1 failed file", "&lt;b&gt;broken", "audio/text.wav: no result", "x.wav: not in the reference"):
        assert text in html
    assert "<b>broken" not in html


def test_scores_draw_the_curves(case):
    manifest, results, _ = case
    values = np.linspace(0, 1, 300, dtype=np.float32).reshape(150, 2)
    scores = {result.original_filename: Scores(values, ("glitch", "echo"), 3000) for result in results}
    html = render_report(evaluate(manifest, results, scores=scores), manifest, results, scores=scores)
    assert "Frame scores decoded anew" in html
    assert "PSDS 1" in html
    assert "Detections kept from each" in render_report(evaluate(manifest, results), manifest, results)


def test_errors_beyond_the_budget_are_told(case, monkeypatch):
    manifest, results, folder = case
    evaluation = evaluate(manifest, results)
    html = render_report(evaluation, manifest, results, audio_root=folder, max_errors=2)
    assert html.count("<article") == 2
    monkeypatch.setattr("relaylib.evaluate.clips._BUDGET_BYTES", 0)
    html = render_report(evaluation, manifest, results, audio_root=folder)
    assert html.count("Left out to keep the report small.") == 4
    assert "<img" not in html


def test_a_name_that_is_no_text_can_be_written(case):
    """Names of files may hold any bytes; Python gives those that are no UTF-8 as half of a pair."""
    manifest, _, folder = case
    odd = Manifest(manifest.artifact_types, (AudioItem("\udcff.wav", 3000, None, (Annotation(0, 90, "echo"),)),))
    found = [FileResult("\udcff.wav", 3000, "completed")]
    path = write_report(folder / "report.html", evaluate(odd, found), odd, found)
    assert r"\udcff.wav" in path.read_text("utf-8")


def test_a_type_may_be_called_as_an_average_is():
    types = (ArtifactType("macro"), ArtifactType("echo"))
    truth = (Annotation(0, 500, "macro"), Annotation(5000, 5500, "echo"))
    manifest = Manifest(types, (AudioItem("a.wav", 9000, None, truth),))
    results = [FileResult("a.wav", 9000, "completed", (Detection(0, 500, "macro", 0.9),))]
    html = render_report(evaluate(manifest, results), manifest, results)
    drawn = re.findall(r'aria-label="F1 ([0-9.]+)"', html)
    assert [float(f1) for f1 in drawn] == [1.0, 0.0, 0.5, 0.67]  # both types, their mean, and both together


def test_an_evaluation_of_other_files_is_refused(case):
    manifest, results, _ = case
    with pytest.raises(ParameterError, match=r"evaluation is of 'audio/alone\.wav', too"):
        render_report(evaluate(manifest, results), manifest, [r for r in results if r.original_filename != "alone.wav"])
