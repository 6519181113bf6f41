from __future__ import annotations

import numpy as np
import pytest

from relaylib.errors import ParameterError
from relaylib.widgets.sound.spectrogram import N_BANDS, bands_hz, spectrogram

RATE = 16_000


def reader(samples):
    """Return a reader of samples in -1..1, as 16 bits."""
    stored = np.clip(np.rint(np.asarray(samples) * 32768), -32768, 32767).astype(np.int16)
    return lambda start, end: stored[start:end]


def in_db(shades):
    return -90 + shades.astype(float) * 80 / 255


@pytest.fixture
def noise():
    return np.random.default_rng(5).standard_normal(40 * RATE) * 0.05


def test_bands_are_those_of_librosa():
    """The middles of 96 bands between 0 and 8 kHz on Slaney's scale."""
    from librosa import mel_frequencies

    np.testing.assert_allclose(bands_hz(), mel_frequencies(N_BANDS + 2, fmin=0, fmax=8000)[1:-1], rtol=1e-4)


@pytest.mark.parametrize(("level", "column"), [(0, 0), (0, 77), (1, 30), (3, 12), (5, 40)])
def test_a_column_is_the_loudest_of_its_windows(noise, level, column):
    """Against SciPy's window, a DFT written out, and the filters of librosa."""
    from librosa.filters import mel
    from scipy.signal.windows import hann

    width = 64 * 2**level
    n_windows = {0: 1, 1: 1, 3: 4, 5: 8}[level]
    window = hann(640, sym=True)[1::2]  # at half samples
    bins = np.exp(-2j * np.pi * np.outer(np.arange(257), np.arange(320)) / 512)
    powers = []
    for k in range(n_windows):
        start = column * width + (2 * k + 1) * width // (2 * n_windows) - 160
        piece = [noise[i] if i >= 0 else 0.0 for i in range(start, start + 320)]
        powers.append(4 * np.abs(bins @ (window * piece)) ** 2 / (512 * np.sum(window**2)))
    filters = mel(sr=RATE, n_fft=512, n_mels=N_BANDS, fmin=0, fmax=8000, norm=None)
    expected = 10 * np.log10(filters @ np.max(powers, axis=0))
    found = in_db(spectrogram(reader(noise), level, column, 1)[0])
    assert np.abs(found - np.clip(expected, -90, -10)).max() < 0.35  # half a shade is 0.16 dB


@pytest.mark.parametrize("hz", [440.0, 1500.0, 3900.0])
@pytest.mark.parametrize("gain_db", [-40.0, -60.0])
def test_a_sine_lies_in_its_band_at_its_level(hz, gain_db):
    """The brightest band is the nearest; together bands have the power of the sine."""
    sine = 10 ** (gain_db / 20) * np.sin(2 * np.pi * hz * np.arange(RATE) / RATE)
    column = spectrogram(reader(sine), 0, 100, 1)[0]
    assert abs(int(column.argmax()) - int(np.abs(bands_hz() - hz).argmin())) <= 1
    assert 10 * np.log10(np.sum(10 ** (in_db(column[column > 0]) / 10))) == pytest.approx(gain_db, abs=1.0)


@pytest.mark.parametrize("level", [0, 1, 2, 4, 7, 9])
def test_tiles_side_by_side_are_one_long_picture(noise, level):
    """Nothing happens at a seam. A shade may round otherwise where sums are added in another order."""
    n = 4
    long = spectrogram(reader(noise), level, 0, 4 * n).astype(int)
    tiles = [spectrogram(reader(noise), level, first, n) for first in range(0, 4 * n, n)]
    assert np.abs(np.concatenate(tiles) - long).max() <= 1
    assert long.std() > 3


@pytest.mark.parametrize("level", range(6))
@pytest.mark.parametrize("at", [5 * RATE, 5 * RATE + 1023, 7 * RATE + 640])
def test_a_click_is_in_its_column(level, at):
    """Up to 128 ms a column, wherever it lies: that column is the brightest, well above the darkest shade."""
    samples = np.zeros(10 * RATE)
    samples[at] = 1.0
    picture = spectrogram(reader(samples), level, 0, 10 * RATE // (64 * 2**level)).astype(int)
    column = at // (64 * 2**level)
    brightness = picture.sum(axis=1)
    assert abs(int(brightness.argmax()) - column) * 4 * 2**level <= (4 if level else 0)
    assert picture[column].mean() > 60


def test_silence_is_black_and_a_full_scale_is_white():
    """A sine of full scale puts most of its power, 0 dB, into one band of 160 Hz around 5 kHz."""
    assert not spectrogram(reader(np.zeros(RATE)), 0, 0, 250).any()
    loud = np.sin(2 * np.pi * 5000 * np.arange(RATE) / RATE)
    assert (spectrogram(reader(loud), 3, 2, 5).max(axis=1) == 255).all()


def test_where_nothing_is_there_is_silence(noise):
    """After the end at any level, and in a reader that has nothing."""
    for level in (0, 4, 9):
        assert not spectrogram(reader(noise), level, 40 * RATE // (64 * 2**level) + 3, 4).any()
        assert not spectrogram(reader([]), level, 0, 4).any()


def test_a_level_that_there_is_not_is_refused(noise):
    with pytest.raises(ParameterError, match="level=21"):
        spectrogram(reader(noise), 21, 0, 1)
