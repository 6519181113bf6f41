"""WAV headers with lengths that are not so."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from relaylib.audio import load, probe
from relaylib.errors import AudioDecodeError

X = (np.arange(16_000) % 2000 - 1000).astype("<i2")
DATA = X.tobytes()
LIST = b"LIST" + struct.pack("<I", 26) + b"INFOISFT" + struct.pack("<I", 14) + b"Lavf58.29.100\0"


def wav(data=DATA, *, rate=16_000, channels=1, tag=1, riff=None, size=None, before=b"", after=b""):
    body = struct.pack("<HHIIHH", tag, channels, rate, rate * channels * 2 & 0xFFFFFFFF, channels * 2, 16)
    size = len(data) if size is None else size
    rest = b"WAVEfmt " + struct.pack("<I", 16) + body + before + b"data" + struct.pack("<I", size) + data + after
    return b"RIFF" + struct.pack("<I", len(rest) if riff is None else riff) + rest


@pytest.fixture
def put(tmp_path):
    def put(content):
        (tmp_path / "x.wav").write_bytes(content)
        return tmp_path / "x.wav"

    return put


@pytest.mark.parametrize(
    "lengths",
    [
        {"riff": 0, "size": 0},
        {"riff": 0xFFFFFFFF, "size": 0xFFFFFFFF},
        {"riff": 0x7FFFF024, "size": 0x7FFFF000},
        {"riff": 0xFFFFFFFF, "size": 0},
        {"riff": 0, "size": 0, "before": LIST},
        {"riff": 0},
        {"riff": 36},
        {"riff": 0xFFFFFFFF},
        {"size": 32_000 + 44},  # the file's length for the data's
        {"after": LIST},
        {"before": LIST},
    ],
    ids=str,
)
def test_all_that_is_there_is_decoded(put, lengths):
    """Writers to pipes leave 0, all ones or almost 2 GiB; some count the header in."""
    path = put(wav(**lengths))
    np.testing.assert_array_equal(load(path).samples, X.astype(np.float32) / 32768)
    assert probe(path).duration_ms == 1000


def test_data_longer_than_the_file_means_that_it_was_cut(put):
    with pytest.raises(AudioDecodeError, match=r"breaks off.*64000 bytes of audio, 32000 are there"):
        load(put(wav(size=64_000)))


def test_half_a_sample_at_the_end_is_left_out(put):
    assert len(load(put(wav(X.tobytes()[:-1]))).samples) == 15_999


@pytest.mark.parametrize("after", [b"", LIST])
def test_no_data_is_not_an_open_end(put, after):
    """A length of 0 is true where nothing but chunks follows."""
    with pytest.raises(AudioDecodeError, match="no samples"):
        load(put(wav(b"", after=after)))


@pytest.mark.parametrize(("field", "words"), [("rate", "0 Hz"), ("channels", "0 channels")])
def test_zeros_in_the_header(put, field, words):
    with pytest.raises(AudioDecodeError, match=words):
        load(put(wav(**{field: 0})))


@pytest.mark.parametrize("rate", [1, 999, 768_001, 0xFFFFFFFF])
def test_rates_that_no_recorder_has(put, rate):
    with pytest.raises(AudioDecodeError, match=r"Hz|not audio"):
        load(put(wav(rate=rate)))


def test_192_khz_and_8_channels(put):
    """32 000 bytes are 2000 samples of 8 channels, 10.4 ms."""
    path = put(wav(rate=192_000, channels=8))
    info = probe(path)
    assert (info.sample_rate, info.channels, info.duration_ms) == (192_000, 8, 10)
    assert abs(len(load(path).samples) - 2000 / 12) <= 1


def test_codecs_that_are_not_known(put):
    with pytest.raises(AudioDecodeError, match="codec"):
        load(put(wav(tag=0x999)))


def test_no_data_chunk(put):
    with pytest.raises(AudioDecodeError, match="not audio"):
        load(put(wav()[:36] + LIST))
