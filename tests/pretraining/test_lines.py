"""Lines of a game, out of its archive, and which of them are fit to tune on."""

import struct

import numpy as np
import pytest


def archive(path, files):
    """Write an archive by hand: a header, an entry of 21 bytes for each file, then the files."""
    at = 15 + 21 * len(files)
    head, body = struct.pack(">4s6sBBBH", b"QTBL", b"\0" * 6, 0, 0, 0, len(files)), b""
    for name, data in files.items():
        head += struct.pack(">12sBII", name.encode(), 0, at + len(body), len(data))
        body += data
    path.write_bytes(head + body)
    return path


def test_lines_come_out_of_the_archive_and_other_files_stay(tmp_path):
    from talkie import unpack

    paths = unpack(
        archive(tmp_path / "a", {"JOE_1.SB": b"first", "PIC.PCX": b"a picture", "020_2.SB": b"second"}), tmp_path
    )
    assert [(path.name, path.read_bytes()) for path in paths] == [("020_2.mp3", b"second"), ("JOE_1.mp3", b"first")]


@pytest.mark.parametrize("data", [b"", b"RIFF" + b"\0" * 40])
def test_what_is_no_archive_is_refused_by_name(tmp_path, data):
    from talkie import unpack

    (tmp_path / "queen.1c").write_bytes(data)
    with pytest.raises(ValueError, match=r"queen\.1c is not an archive"):
        unpack(tmp_path / "queen.1c", tmp_path)


@pytest.mark.parametrize(("pause_ms", "halting"), [(360, False), (420, True)])
@pytest.mark.parametrize("at_the_end", [False, True])
@pytest.mark.parametrize("hiss", [0.0, 0.01])
def test_a_line_halts_where_nobody_speaks_for_longer_than_the_limit(pause_ms, halting, at_the_end, hiss):
    from make_speech import halts

    rng = np.random.default_rng(0)
    spoken = 0.3 * rng.standard_normal(16_000)
    gap = hiss * rng.standard_normal(pause_ms * 16)
    line = np.concatenate([spoken, gap] if at_the_end else [spoken, gap, spoken]).astype(np.float32)
    assert halts(line) is halting
