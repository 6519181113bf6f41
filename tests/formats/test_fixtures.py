"""Files as the real tools write them, and what they read as."""

from __future__ import annotations

from pathlib import Path

import pytest

from relaylib.formats import read, read_detections, read_manifest, write
from relaylib.types import Detection, FileResult

HERE = Path(__file__).parent / "fixtures"


def spans(manifest, filename=None):
    items = [item for item in manifest if filename in (None, item.filename)]
    return [(s.start_ms, s.end_ms, s.artifact_type) for item in items for s in item.annotations]


def test_audacity_standard_labels_with_a_point():
    """A point label becomes a span of 1 ms; decimals beyond the ms are rounded."""
    manifest = read(HERE / "audacity_standard.txt")
    assert [item.filename for item in manifest] == ["audacity_standard.wav"]
    assert spans(manifest) == [
        (450, 451, "glitch"),
        (1400, 3100, "long_pause"),
        (2150, 2890, "echo"),
        (5700, 5812, "glitch"),
    ]


def test_audacity_frequency_lines_are_skipped():
    assert spans(read(HERE / "audacity_spectral.txt")) == [
        (1000, 1001, "glitch"),
        (2000, 2500, "robotic"),
        (3000, 3500, "echo"),
        (4000, 4500, "echo"),
    ]


def test_audacity_of_old_has_start_and_text():
    assert spans(read(HERE / "audacity_1_2.txt", "audacity")) == [(450, 451, "glitch"), (1400, 1401, "long pause")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be"])
@pytest.mark.parametrize("name", ["praat_long", "praat_short"])
def test_textgrids_of_praat(name, encoding, tmp_path):
    """Both text forms, in every encoding Praat offers, read the same; an empty tier is a type without spans."""
    text = (HERE / f"{name}.TextGrid").read_text()
    bom = b"\xfe\xff" if encoding == "utf-16-be" else b""
    (tmp_path / "take.TextGrid").write_bytes(bom + text.replace("\n", "\r\n").encode(encoding))
    manifest = read(tmp_path / "take.TextGrid")
    assert manifest.audio[0].filename == "take.wav"
    assert manifest.audio[0].duration_ms == 2351
    assert manifest.type_names == ("glitch", 'robotic "voice"', "echo", "click")
    assert spans(manifest) == [(490, 531, "glitch"), (750, 751, "click"), (1250, 1900, 'robotic "voice"')]


def test_a_number_in_a_textgrid_is_the_confidence_of_the_tiers_type(tmp_path):
    text = (HERE / "praat_short.TextGrid").read_text().replace('"glitch"', '"0.25"')
    (tmp_path / "x.TextGrid").write_text(text)
    assert read(tmp_path / "x.TextGrid").audio[0].annotations[0].confidence == 0.25
    assert read(tmp_path / "x.TextGrid").audio[0].annotations[0].artifact_type == "artifacts"


def test_raven_counts_a_selection_of_two_views_once():
    manifest = read(HERE / "raven_views.selections.txt")
    assert manifest.audio[0].filename == "raven_views.wav"
    assert spans(manifest) == [(6710, 15096, "echo"), (20250, 20263, "glitch")]


def test_raven_table_of_several_recordings():
    """Begin File and File Offset place a selection; the first column that can hold the type does."""
    manifest = read(HERE / "raven_files.txt")
    assert spans(manifest, "a.wav") == [(1500, 3000, "echo")]
    assert spans(manifest, "b.wav") == [(4000, 4500, "glitch")]
    assert manifest.audio[1].annotations[0].confidence == 0.4061


def test_rttm_with_comments_and_other_types():
    manifest = read(HERE / "nist.rttm")
    assert spans(manifest, "CMU_20020319-1400_d01_NONE.wav") == [(130430, 132780, "juliet"), (157610, 160670, "tbc")]
    assert spans(manifest, "meeting/b.flac") == [(500, 750, "long pause")]
    assert [s.confidence for s in manifest.audio[0].annotations] == [1.0, 0.75]


def test_csv_in_seconds_with_tabs_and_a_clean_recording():
    manifest = read(HERE / "dcase.csv")
    assert spans(manifest, "a.wav") == [(12, 500, "glitch"), (1251, 2000, "long pause")]
    assert [item.filename for item in manifest] == ["a.wav", "b.wav"]


def test_csv_of_a_spreadsheet_with_decimal_commas():
    manifest = read(HERE / "spreadsheet.csv")
    assert spans(manifest) == [(500, 1250, "echo")]
    assert manifest.audio[0].annotations[0].confidence == 0.75


def test_label_studio_export():
    """Labels of one region are apart, cancelled work is left out, predictions count where nobody annotated."""
    manifest = read(HERE / "labelstudio_export.json")
    assert [(item.filename, item.duration_ms) for item in manifest] == [
        ("take_1.wav", 5352),
        ("day1/clean take.wav", None),
        ("day1/take_3.mp3", None),
    ]
    assert spans(manifest, "take_1.wav") == [(1673, 1684, "glitch"), (1673, 1684, "echo"), (2357, 3251, "long_pause")]
    assert [s.confidence for item in manifest for s in item.annotations] == [1.0, 1.0, 0.91, 0.5]


def test_label_studio_json_min():
    manifest = read(HERE / "labelstudio_min.json")
    assert spans(manifest) == [(1673, 1684, "glitch"), (2357, 3251, "long_pause")]
    assert [(item.filename, item.duration_ms) for item in manifest] == [("take_1.wav", 5352), ("take_2.wav", None)]


def test_manifest_is_written_as_it_was_read(tmp_path):
    """The fixture holds every field; writing what was read gives the same bytes."""
    manifest = read_manifest(HERE / "manifest.json")
    assert manifest.audio[0].group == "voice1"
    assert manifest.audio[0].annotations[1].extra_data == {"by": "me"}
    write(manifest, tmp_path / "m.json")
    assert (tmp_path / "m.json").read_bytes() == (HERE / "manifest.json").read_bytes()


def test_an_answer_of_the_api_reads_as_detections():
    """Fields of the API are skipped; a failed file keeps its reason and is no clean recording."""
    assert read_detections(HERE / "api_job.json") == [
        FileResult("a.wav", 5352, "completed", (Detection(1200, 1450, "glitch", 0.87),)),
        FileResult("b.wav", None, "failed", (), "not audio"),
    ]
    manifest = read(HERE / "api_job.json")
    assert [item.filename for item in manifest] == ["a.wav"]
    assert manifest.audio[0].annotations[0].confidence == 0.87
