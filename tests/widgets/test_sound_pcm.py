from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from relaylib.widgets.sound.pcm import PcmFile, to_int16

BLOCKS = st.lists(arrays(np.int16, st.integers(0, 300)), max_size=5)


def test_what_came_from_16_bits_is_given_back():
    """Every one of the 65536 values survives the way through float32."""
    values = np.arange(-32768, 32768).astype(np.int16)
    np.testing.assert_array_equal(to_int16(values.astype(np.float32) / 32768), values)


@given(BLOCKS, st.integers(0, 1600), st.integers(0, 1600))
def test_a_piece_is_that_of_all_blocks_joined(blocks, start, end):
    """Wherever blocks were cut; what is not there is left out, as by a slice."""
    pcm = PcmFile()
    for block in blocks:
        pcm.append(block)
    joined = np.concatenate([np.empty(0, np.int16), *blocks])
    assert len(pcm) == len(joined)
    np.testing.assert_array_equal(pcm.read(start, end), joined[start:end])
    pcm.close()


def test_nothing_is_left_in_the_folder(tmp_path):
    """The folder is made; the file has gone after closing, which may be done twice."""
    pcm = PcmFile(tmp_path / "new")
    pcm.append(np.ones(1000, np.int16))
    pcm.close()
    pcm.close()
    assert list((tmp_path / "new").iterdir()) == []
    with pytest.raises(ValueError, match="closed"):
        pcm.read(0, 10)
