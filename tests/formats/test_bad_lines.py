"""What is wrong is named by file and line, or field, with what to do."""

from __future__ import annotations

import contextlib
import json
from pathlib import PurePath

import pytest

from relaylib.errors import FormatError
from relaylib.formats import Source, get_format, read, read_detections, read_manifest

CSV = "filename,start_ms,end_ms,artifact_type,confidence\na.wav,0,5,x,1\n"
RAVEN = "Selection\tBegin Time (s)\tEnd Time (s)\tAnnotation\n1\t0.5\t0.6\tx\n"
GRID = 'File type = "ooTextFile"\nObject class = "TextGrid"\n0\n1\n<exists>\n1\n"IntervalTier"\n"x"\n0\n1\n1\n'

BAD = [
    ("audacity", "0.1\t0.2\tx\n0.5\t0.4\tx\n", r"f, line 2: start_ms=500, end_ms=400: need 0 <= start_ms < end_ms"),
    ("audacity", "-0.1\t0.2\tx\n", "f, line 1: start_ms=-100"),
    ("audacity", "\n0.1\t0.2\n", "f, line 2: the label has no text"),
    ("audacity", "0.1\t0.2\tx\nhello\n", "f, line 2: 'hello' is not a start time"),
    ("audacity", "0.1\tnan\tx\n", "f, line 1: 'nan' is not a time in s"),
    ("audacity", "0.1\t0.2\t" + "x" * 101, "f, line 1: artifact type name"),
    ("audacity", "1e999\t1e999\tx\n", "f, line 1: '1e999' is too large"),
    ("audacity", "1e9\t1000000001\tx\n", "f, line 1: '1000000001' is too large"),
    ("csv", "", "f, line 1: the file is empty"),
    ("csv", "a.wav,0,5,x\n", r"f, line 1: the header has no column start_s or end_s or artifact_type"),
    ("csv", CSV + "a.wav,7,5,x,1\n", "f, line 3: start_ms=7, end_ms=5"),
    ("csv", CSV + '"a.wav",1,5,"x\ny",1\na.wav,1,y,x,1\n', "f, line 5: 'y' is not a time in ms"),
    ("csv", CSV + "a.wav,1,5,x,1.5\n", "f, line 3: confidence=1.5: need 0 <= confidence <= 1"),
    ("csv", CSV + "a.wav,1,5,x,high\n", "f, line 3: confidence 'high' is not a number"),
    ("csv", CSV + "a.wav,1,5,x,1,6\n", "f, line 3: 6 cells under a header of 5"),
    ("csv", CSV + ",1,5,x,1\n", "f, line 3: the filename is empty"),
    ("csv", CSV + "a.wav,1,5,,1\n", "f, line 3: artifact type name ''"),
    ("csv", CSV + 'a.wav,1,5,"x,1\n', "f, line 3: not valid CSV"),
    ("rttm", "SPEAKER a 1 0 1 <NA> <NA> x 1 <NA>\nSPEAKER a 1 0\n", "f, line 2: 4 fields"),
    ("rttm", "hello world\n", "f, line 1: 'hello' is not an RTTM type"),
    ("rttm", "SPEAKER a 1 0 0 <NA> <NA> x 1 <NA>\n", "f, line 1: start_ms=0, end_ms=0"),
    ("rttm", "SPEAKER a 1 0 -1 <NA> <NA> x 1 <NA>\n", "f, line 1: start '0', duration '-1'"),
    ("rttm", "SPEAKER a 1 0 1 <NA> <NA> <NA> 1 <NA>\n", "f, line 1: the name"),
    ("rttm", "SPEAKER a 1 0 1 <NA> <NA> x 2 <NA>\n", "f, line 1: confidence=2.0"),
    ("rttm", "SPEAKER a 1 0 1 <NA> <NA> x 1,5 <NA>\n", "f, line 1: confidence=1.5"),
    ("rttm", "SPEAKER a 1 0 1 <NA> <NA> x high <NA>\n", "f, line 1: confidence 'high' is not a number"),
    ("raven", "Selection\tAnnotation\n", "f, line 1: no column 'begin time"),
    ("raven", "Selection\tBegin Time (s)\tEnd Time (s)\n", "f, line 1: no column holds the artifact type"),
    ("raven", RAVEN + "2\t0.5\t0.1\tx\n", "f, line 3: start_ms=500, end_ms=100"),
    ("raven", RAVEN + "2\t0.5\n", "f, line 3: the column 'annotation' is empty"),
    ("raven", RAVEN + "2\tx\t0.5\tx\n", "f, line 3: 'x' is not a time in s"),
    ("textgrid", "hello", "f, line 1: the file ends where the file type should stand"),
    ("textgrid", '"ooTextFile" "PitchTier" 0 1', "f, line 1: not a TextGrid"),
    ("textgrid", '"Praat chronological TextGrid text file" 0 1', "f, line 1: not a TextGrid.*Save as text file"),
    ("textgrid", GRID + '0\n1\n"x\n', "f, line 14: a text opens with a quote"),
    ("textgrid", GRID + '0.5\n0.1\n"x"\n', "f, line 12: interval 1 of tier 'x': start_ms=500, end_ms=100"),
    ("textgrid", GRID + "0\n1\n", "f, line 13: the file ends where the text of interval 1 of tier 'x' should"),
    ("textgrid", GRID + '0\n"x"\n', "f, line 13: found 'x' where the end of interval 1 of tier 'x' should"),
    ("textgrid", GRID + '0\n7\n"x"\n', r"f, line 12: end_ms=7000 lies past the end of a.wav \(duration_ms=1000\)"),
    ("textgrid", GRID.replace("IntervalTier", "Pitch"), "f, line 7: 'Pitch' is not a class of tier"),
    ("labelstudio", '[{"data": {}, "annotations": [{"result": []}]}]', r"f: \$\[0\].data: no key names the recording"),
    (
        "labelstudio",
        '[{"data": {"audio": "a.wav"}, "annotations": [{"result": [{"value": '
        '{"start": 2, "end": 1, "labels": ["x"]}}]}]}]',
        r"f: \$\[0\].annotations\[0\].result\[0\].value: start_ms=2000, end_ms=1000",
    ),
    ("labelstudio", '[{"data": {"audio": "a.wav"}, "annotations": 7}]', r"f: \$\[0\].annotations: Expected `array`"),
    ("labelstudio", '[{"audio": "a.wav", "label": [{"start": "x"}]}]', r"f: \$\[0\].label\[0\]: Expected"),
    (
        "labelstudio",
        '[{"audio": "a.wav", "annotator": 1}, {"audio": "a.wav", "annotator": 2}]',
        r"f: \$\[1\]: a second task for 'a.wav'",
    ),
    ("labelstudio", '[{"filename": "a.wav", "annotations": []}]', r"f: \$\[0\]: no Label Studio task"),
    ("labelstudio", '[{"audio": "a.wav", "lead_time": 2}, {"audio": "b.wav"}]', r"f: \$\[1\]: no Label Studio task"),
    (
        "labelstudio",
        '[{"audio": "a.wav", "label": [{"start": 0, "end": 1, "original_length": 1e308}]}]',
        r"f: \$\[0\].label\[0\].original_length: '1e\+308' is too large",
    ),
    (
        "labelstudio",
        '[{"audio": "a.wav", "label": [{"start": 0, "end": 1, "original_length": 1' + "0" * 400 + "}]}]",
        r"f: \$\[0\].label\[0\].original_length: '10+' is too large",
    ),
    (
        "labelstudio",
        '[{"data": {"audio": "a.wav", "duration_ms": 1' + "0" * 13 + '}, "annotations": [{"result": []}]}]',
        r"f: \$\[0\].data.duration_ms: 10000000000000 is not a time",
    ),
    ("labelstudio", "[\n{]", "f, line 2, column 2: not valid JSON"),
]


@pytest.mark.parametrize(("format_", "text", "message"), BAD)
def test_a_bad_line_is_named(format_, text, message):
    with pytest.raises(FormatError, match=message):
        get_format(format_).parse(Source(PurePath("f"), text, "a.wav"))


def _manifest(**span):
    body = {
        "artifact_types": ["x"],
        "audio": [{"filename": "a.wav", "duration_ms": 1000}],
        "annotations": [{"filename": "a.wav", "artifact_type": "x", "start_ms": 0, "end_ms": 9} | span],
    }
    return json.dumps(body)


AT = r"m.json: \$\.annotations\[0\]"
BAD_MANIFESTS = [
    (_manifest(end_ms="9"), rf"{AT}.end_ms: Expected `int \| float`, got `str`"),
    (_manifest(end_ms=9.5), rf"{AT}.end_ms: 9.5 is not a time in whole ms"),
    (_manifest(end_ms=1e300), rf"{AT}.end_ms: 1e\+300 is not a time"),
    (_manifest(end_ms=0), rf"{AT}.end_ms: start_ms=0, end_ms=0: need"),
    (_manifest(start_ms=-1), rf"{AT}.start_ms: start_ms=-1"),
    (_manifest(confidence=2), rf"{AT}.confidence: confidence=2.0: need"),
    (_manifest(filename="b.wav"), rf"{AT}.filename: 'b.wav' is not among \$.audio"),
    (_manifest(artifact_type="y"), rf"{AT}.artifact_type: 'y' is not among \$.artifact_types \('x'\)"),
    (_manifest(end_ms=1101), rf"{AT}.end_ms: end_ms=1101 lies past the end of a.wav"),
    ('{"artifact_types": ["x", "x"], "audio": []}', r"m.json: \$\.artifact_types\[1\]: 'x' is given twice"),
    ('{"artifact_types": [""], "audio": []}', r"m.json: \$\.artifact_types\[0\]: artifact type name ''"),
    (
        '{"artifact_types": [], "audio": [{"filename": "a"}, {"filename": "a"}]}',
        r"m.json: \$\.audio\[1\].filename: 'a' is given twice",
    ),
    (
        '{"artifact_types": [], "audio": [{"filename": "a", "duration_ms": -5}]}',
        r"m.json: \$\.audio\[0\]: duration_ms=-5",
    ),
    ('{"artifact_types": []}', r"m.json: \$: Object missing required field `audio`"),
    ('{"artifact_types": [],\n "audio": [}', "m.json, line 2, column 12: not valid JSON"),
    ('{"artifact_types": [],\n "audio": [', "m.json, line 2, column 12: not valid JSON .input data was truncated"),
    ('{"artifact_types": ' + "[" * 5000, "m.json"),
    ("", "m.json, line 1, column 1: not valid JSON"),
]


@pytest.mark.parametrize(("text", "message"), BAD_MANIFESTS)
def test_a_wrong_field_of_a_manifest_is_named(text, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "m.json").write_text(text)
    with pytest.raises(FormatError, match=message):
        read_manifest("m.json")


def test_whole_floats_are_times(tmp_path):
    """Writers without integers put 1200.0."""
    (tmp_path / "m.json").write_text(_manifest(end_ms=12.0))
    assert read_manifest(tmp_path / "m.json").audio[0].annotations[0].end_ms == 12


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ({"duration_ms": -5}, r"\$.files\[0\]: a.wav: duration_ms=-5: need 0 <= duration_ms"),
        ({"status": "pending"}, r"\$.files\[0\].status: Invalid enum value"),
        ({"detections": [{"artifact_type": "x", "start_ms": 5, "end_ms": 1, "confidence": 1}]}, r"detections\[0\]: st"),
        (
            {"status": "failed", "detections": [{"artifact_type": "x", "start_ms": 0, "end_ms": 1, "confidence": 1}]},
            "a",
        ),
    ],
)
def test_a_wrong_field_of_detections_is_named(file, message, tmp_path):
    (tmp_path / "d.json").write_text(json.dumps({"files": [{"original_filename": "a.wav"} | file]}))
    with pytest.raises(FormatError, match=message):
        read_detections(tmp_path / "d.json")


def test_bytes_that_are_no_text_are_named_by_line(tmp_path):
    (tmp_path / "x.txt").write_bytes(b"0.1\t0.2\tx\n0.3\t0.4\tcaf\xe9\n")
    with pytest.raises(FormatError, match=r"x.txt, line 2: byte 0xE9 is not UTF-8 text"):
        read(tmp_path / "x.txt")


@pytest.mark.parametrize("name", ["x.txt", "x.json", "x.csv", "x.rttm", "x.TextGrid", "x.detections.json"])
def test_random_bytes_and_text_are_format_errors(name, tmp_path, rng_bytes):
    """Whatever the bytes, the answer is a FormatError, and never another exception."""
    for content in (rng_bytes, b"Dear all,\nplease find attached", b"{}", b"[]x", b"\xff\xfe", b'"'):
        (tmp_path / name).write_bytes(content)
        with contextlib.suppress(FormatError):
            read(tmp_path / name)
