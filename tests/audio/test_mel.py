"""Mel filters are those of librosa, to the last digit."""

import numpy as np
import pytest
from librosa import mel_frequencies
from librosa.filters import mel

from relaylib.audio.mel import mel_edges_hz, mel_filters
from relaylib.types import SAMPLE_RATE


@pytest.mark.parametrize(("n_bands", "n_fft", "lowest_hz"), [(40, 512, 60.0), (96, 512, 0.0), (12, 1024, 1500.0)])
def test_filters_are_those_of_librosa(n_bands, n_fft, lowest_hz):
    edges = mel_frequencies(n_bands + 2, fmin=lowest_hz, fmax=SAMPLE_RATE / 2)
    filters = mel(sr=SAMPLE_RATE, n_fft=n_fft, n_mels=n_bands, fmin=lowest_hz, norm=None)
    np.testing.assert_array_equal(mel_edges_hz(n_bands, lowest_hz), edges)
    np.testing.assert_array_equal(mel_filters(n_bands, n_fft, lowest_hz), filters)
