import base64
import io
import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
from IPython.core.formatters import DisplayFormatter
from PIL import Image

import relaylib
from relaylib.demo import load_demo
from relaylib.types import Annotation, ArtifactType, AudioItem, Detection, FileResult, Manifest, Waveform
from relaylib.widgets.notebook import register_reprs
from relaylib.widgets.reprs import detector_html, list_html, manifest_html, result_html, waveform_html

EVIL = '<script>alert("x")</script>'


class Tags(HTMLParser):
    """Collects tags and texts, and checks that every tag is closed."""

    def __init__(self, html):
        super().__init__()
        self.seen, self.open, self.texts, self.addresses = [], [], [], []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.seen.append(tag)
        self.addresses += [value for name, value in attrs if name in ("src", "href")]
        if tag not in ("br", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def parsed(html):
    tags = Tags(html)
    assert "script" not in tags.seen
    assert all(address.startswith("data:") for address in tags.addresses)
    return tags


def content(html, kind):
    return io.BytesIO(base64.b64decode(re.search(rf"data:{kind};base64,([^\"]+)", html).group(1)))


def test_a_waveform_has_a_picture_and_a_player():
    samples = np.sin(np.arange(8000) / 5).astype(np.float32) / 2
    html = waveform_html(Waveform(samples, 8000))
    parsed(html)
    assert "1.0 s, 8000 Hz" in html
    played, rate = soundfile.read(content(html, "audio/flac"), dtype="float32")
    assert rate == 8000
    np.testing.assert_allclose(played, samples, atol=2**-15)
    assert Image.open(content(html, "image/png")).width == 800


def test_a_long_waveform_shows_its_beginning_and_stays_small():
    rng = np.random.default_rng(0)
    html = waveform_html(Waveform(rng.normal(0, 0.1, 90 * 16_000).astype(np.float32)))
    assert "1:30 min, 16000 Hz; the first 30.0 s of it" in html
    assert len(soundfile.read(content(html, "audio/flac"))[0]) == 30 * 16_000
    assert len(html) < 1_700_000


def test_an_empty_waveform_is_shown():
    assert waveform_html(Waveform(np.zeros(0, np.float32))) == "<div><b>Waveform</b> 0.0 s, 16000 Hz</div>"


def test_a_result_has_a_strip_and_a_table():
    """Of 10 s, the span from 2.5 to 5 s is a bar from 250 to 500 of 1000."""
    html = result_html(FileResult("a.wav", 10_000, "completed", (Detection(2500, 5000, "click", 0.875),)))
    tags = parsed(html)
    assert '<rect x="250.0" width="250.0"' in html
    assert {"click", "2500", "5000", "0.88"} <= set(tags.texts)
    assert "a.wav" in tags.texts
    assert ", 10.0 s, 1 detection" in tags.texts


def test_a_failed_result_says_why():
    assert "cut short" in result_html(FileResult("a.wav", None, "failed", error_message="cut short"))


def test_lists_of_spans_and_results_are_tables_and_others_are_not():
    spans = [Detection(k, k + 10, "click", 0.5) for k in range(50)]
    assert "50 detections" in list_html(spans)
    assert "… and 30 more" in list_html(spans)
    assert "1 annotation" in list_html([Annotation(0, 5, "click")])
    results = [
        FileResult("a.wav", 60_000, "completed", (*spans[:2], Detection(0, 9, "echo", 0.5))),
        FileResult("b.wav", None, "failed", error_message="empty"),
    ]
    tags = parsed(list_html(results))
    assert {"2 files, 3 detections, 1 failed", "2 click, 1 echo", "1:00 min", "failed: empty"} <= set(tags.texts)
    for other in ([], [1, 2], [spans[0], 3], [[]]):
        assert list_html(other) is None


def test_a_manifest_counts_what_it_holds():
    spans = (Annotation(0, 500, "click"), Annotation(1000, 2500, "echo"), Annotation(2000, 3000, "click"))
    types = (ArtifactType("click", "a tick", "#0072B2"), ArtifactType("echo"), ArtifactType("never"))
    items = (AudioItem("a.wav", 60_000, "anna", spans), AudioItem("b.wav", 3_605_000))
    tags = parsed(manifest_html(Manifest(types, items)))
    assert " 2 recordings, 1:01:05 h, 3 annotations, 1 clean" in tags.texts
    at = tags.texts.index("click")
    assert tags.texts[at : at + 4] == ["click", "2", "1.5 s", "a tick"]
    assert tags.texts[tags.texts.index("never") + 1 :][:2] == ["0", "0.0 s"]


def test_a_detector_shows_how_well_it_does():
    encoder = SimpleNamespace(name="spectral")
    share = {"precision": 0.5, "recall": 0.25, "f1_score": 1 / 3, "support": 8}
    metrics = {"events": {"f1_score": 1 / 3, "per_class": {"click": share}}, "false_alarms_per_hour": 12.0}
    known = SimpleNamespace(artifact_types=("click", "echo"), encoder=encoder, config={"head": "conv"}, metrics=metrics)
    tags = parsed(detector_html(known))
    at = tags.texts.index("click")
    assert tags.texts[at : at + 5] == ["click", "0.50", "0.25", "0.33", "8"]
    assert tags.texts[tags.texts.index("echo") + 1] == "–"
    assert any("event-F1 0.33, 12 false alarms per hour" in text for text in tags.texts)
    parsed(detector_html(SimpleNamespace(artifact_types=("a",), encoder=encoder, config={}, metrics={})))


def test_names_are_escaped_everywhere():
    spans = (Detection(0, 10, EVIL, 0.5),)
    kinds = (ArtifactType(EVIL, EVIL, EVIL),)
    items = (AudioItem(EVIL, 10, EVIL, (Annotation(0, 10, EVIL),)),)
    detector = SimpleNamespace(
        artifact_types=(EVIL,), encoder=SimpleNamespace(name=EVIL), config={"head": EVIL}, metrics={}
    )
    for html in (
        result_html(FileResult(EVIL, 10, "completed", spans)),
        result_html(FileResult(EVIL, None, "failed", error_message=EVIL)),
        list_html([FileResult(EVIL, 10, "completed", spans), FileResult(EVIL, 1, "failed", error_message=EVIL)]),
        manifest_html(Manifest(kinds, items)),
        detector_html(detector),
    ):
        assert "<script" not in html
        assert "&lt;script&gt;" in html
        parsed(html)


@pytest.fixture
def formatter():
    """Give IPython's formatters of a shell in which our values are made known."""
    shell = SimpleNamespace(display_formatter=DisplayFormatter())
    register_reprs(shell)
    return shell.display_formatter


def test_ipython_shows_our_values(formatter):
    train, _, _ = load_demo()
    for value in (train, Waveform(np.zeros(160, np.float32)), FileResult("a", 1, "completed"), [Annotation(0, 1, "a")]):
        assert formatter.format(value)[0]["text/html"].startswith("<div>")
    assert "text/html" not in formatter.format([1, 2, 3])[0]


def test_lists_that_somebody_else_shows_are_left_alone():
    formatter = DisplayFormatter()
    formatter.formatters["text/html"].for_type(list, lambda values: "theirs")
    register_reprs(SimpleNamespace(display_formatter=formatter))
    assert formatter.format([Annotation(0, 1, "a")])[0]["text/html"] == "theirs"


def test_a_picture_is_shown_without_pyplot(formatter):
    """As plot_detections returns it; where another part of the notebook draws figures, before or after, that does."""
    figure = relaylib.plot_detections(Waveform(np.zeros(1600, np.float32)), width_inches=4)
    shown = formatter.format(figure)[0]["image/png"]
    assert Image.open(io.BytesIO(shown)).width == 400
    formatter.formatters["image/png"].for_type(type(figure), lambda figure: b"theirs")
    register_reprs(SimpleNamespace(display_formatter=formatter))
    assert formatter.format(figure)[0]["image/png"] == b"theirs"


def test_the_length_of_a_manifest_is_said_as_far_as_it_is_known():
    """No length is not a length of 0 s."""
    known, unknown = AudioItem("a.wav", 1500), AudioItem("b.wav")
    types = (ArtifactType("click"),)
    for items, expected in (
        ((known, known), "2 recordings, 3.0 s, "),
        ((known, unknown), "2 recordings, 1.5 s in 1 of them, "),
        ((unknown, unknown), "2 recordings, 0 annotations"),
    ):
        assert expected in manifest_html(
            Manifest(types, tuple(replace(i, filename=f"{k}") for k, i in enumerate(items)))
        )


def test_without_a_shell_nothing_is_registered_or_loaded():
    """Neither IPython nor the widgets come with `import relaylib`, and the values show as plain text."""
    code = "import relaylib, sys; print([n for n in ('IPython', 'relaylib.widgets', 'ipywidgets') if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_detector_in_ipython_is_shown_by_its_type_alone():
    """Making it known does not load torch; IPython compares names."""
    code = (
        "from IPython.core.interactiveshell import InteractiveShell\n"
        "shell = InteractiveShell.instance()\n"
        "import relaylib, sys\n"
        "formatter = shell.display_formatter.formatters['text/html']\n"
        "print(('relaylib.models.detector', 'Detector') in formatter.deferred_printers, 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True False"
    assert relaylib.Detector.__module__ == "relaylib.models.detector"
