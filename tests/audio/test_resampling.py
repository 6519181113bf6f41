"""relaylib.audio.resampler: the quality bar, streaming, and tensors."""

from __future__ import annotations

import numpy as np
import pytest

from relaylib.audio import Resampler, resample
from relaylib.audio.resampler import _full_precision
from relaylib.errors import ParameterError

RATES = [44_100, 48_000, 24_000]


def tone(rate, hz, seconds=1.0):
    return np.sin(2 * np.pi * hz * np.arange(int(rate * seconds)) / rate)


def level_db(y, hz=None, rate=16_000):
    """Amplitude in dB of a full-scale sine: of the one at `hz`, by least squares, or of all there is."""
    y = np.asarray(y, np.float64)[2000:-2000]  # the ends, where the tone is cut, apart
    if hz is None:
        return 10 * np.log10(2 * np.mean(y**2) + 1e-30)
    t = np.arange(len(y)) / rate
    basis = np.stack([np.sin(2 * np.pi * hz * t), np.cos(2 * np.pi * hz * t)], axis=1)
    return 20 * np.log10(np.hypot(*np.linalg.lstsq(basis, y, rcond=None)[0]))


@pytest.mark.parametrize("rate", RATES)
def test_flat_to_7_khz(rate):
    """Tones up to 7 kHz keep their level within 0.01 dB."""
    levels = [level_db(resample(tone(rate, hz), rate, 16_000), hz) for hz in (50, 440, 1000, 3000, 5000, 6500, 7000)]
    assert np.abs(levels).max() <= 0.01


@pytest.mark.parametrize("rate", RATES)
def test_nothing_folds_back_from_above_8200_hz(rate):
    """A full-scale tone above 8.2 kHz leaves at most -120 dB."""
    heights = np.r_[8200, 8500, 9000, 10_000, 11_999, np.arange(12_500, rate / 2, 1500)]
    left = [level_db(resample(tone(rate, hz), rate, 16_000)) for hz in heights[heights < rate / 2]]
    assert max(left) <= -120


@pytest.mark.parametrize("rate", [44_100, 48_000, 24_000, 8_000, 22_050, 16_000, 192_000])
@pytest.mark.parametrize("block", [997, 30_000])
def test_blocks_give_what_the_whole_gives(rng, rate, block):
    """Bit for bit, whatever the blocks, with empty ones among them."""
    x = rng.standard_normal(rate + 17).astype(np.float32)
    resampler = Resampler(rate, 16_000)
    for _ in range(2):  # flush makes it ready for the next signal
        pieces = [resampler.push(x[start : start + block]) for start in range(0, len(x), block)]
        pieces += [resampler.push(x[:0]), resampler.flush()]
    np.testing.assert_array_equal(np.concatenate(pieces), resample(x, rate, 16_000))


@pytest.mark.parametrize("rate", [44_100, 48_000, 24_000, 8_000])
@pytest.mark.parametrize("n", [1, 2, 100, 44_117])
def test_length_follows_the_ratio(rate, n):
    assert abs(len(resample(np.ones(n), rate, 16_000)) - n * 16_000 / rate) <= 1


def test_there_and_back_is_close(rng):
    """Noise below 6 kHz survives 16 -> 44.1 -> 16 kHz within -80 dB."""
    spectrum = np.fft.rfft(rng.standard_normal(16_000))
    spectrum[6000:] = 0
    x = np.fft.irfft(spectrum).astype(np.float32)
    back = resample(resample(x, 16_000, 44_100), 44_100, 16_000)
    assert level_db(back - x) - level_db(x) <= -80


def test_equal_rates_change_nothing(rng):
    x = rng.standard_normal(100).astype(np.float32)
    assert resample(x, 16_000, 16_000) is x
    assert Resampler(16_000, 16_000).push(x) is x


def test_doubles_become_float32():
    assert resample(np.zeros(48, np.float64), 48_000, 16_000).dtype == np.float32


def test_empty_stays_empty():
    assert resample(np.zeros(0, np.float32), 44_100, 16_000).shape == (0,)
    assert Resampler(44_100, 16_000).flush().shape == (0,)


def test_wrong_arguments_are_named():
    with pytest.raises(ParameterError, match=r"shape \(2, 8\).*downmix"):
        resample(np.zeros((2, 8)), 44_100, 16_000)
    with pytest.raises(ParameterError, match="from_rate=0"):
        resample(np.zeros(8), 0, 16_000)
    with pytest.raises(ParameterError, match="to_rate=-1"):
        Resampler(16_000, -1)
    with pytest.raises(ParameterError, match=r"int16.*float"):
        resample(np.zeros(8, np.int16), 8_000, 16_000)


def test_tensors_stay_tensors_and_agree_with_arrays():
    """A tone of 1 kHz comes out of torchaudio's filter as out of soxr, to -80 dB, on the last axis."""
    torch = pytest.importorskip("torch")
    x = np.stack([tone(44_100, 1000), tone(44_100, 3000)]).astype(np.float32)
    y = resample(torch.from_numpy(x), 44_100, 16_000)
    assert isinstance(y, torch.Tensor)
    assert y.shape == (2, 16_000)
    for row, hz in zip(y.numpy(), (1000, 3000), strict=True):
        ours = tone(16_000, hz)
        assert level_db(row - ours) <= -80


@pytest.mark.parametrize("n", [0, 1, 2, 44_117])
def test_tensors_are_as_long_as_arrays(n):
    torch = pytest.importorskip("torch")
    assert resample(torch.zeros(3, n), 44_100, 16_000).shape == (3, len(resample(np.zeros(n), 44_100, 16_000)))


def test_tensors_need_not_lie_in_a_row(rng):
    torch = pytest.importorskip("torch")
    x = torch.from_numpy(rng.standard_normal((3, 4800, 2)).astype(np.float32)).permute(2, 0, 1)
    torch.testing.assert_close(resample(x, 48_000, 16_000)[1, 2], resample(x[1, 2].clone(), 48_000, 16_000))


def test_full_precision_gives_the_settings_back():
    """TF32 is off inside, and what the caller had set holds again behind."""
    torch = pytest.importorskip("torch")
    cudnn = torch.backends.cudnn
    before = (cudnn.enabled, cudnn.benchmark, cudnn.deterministic, cudnn.allow_tf32)
    with _full_precision():
        assert not cudnn.allow_tf32
        assert cudnn.enabled == before[0]
    assert (cudnn.enabled, cudnn.benchmark, cudnn.deterministic, cudnn.allow_tf32) == before


def test_tensors_of_half_precision_keep_their_type():
    torch = pytest.importorskip("torch")
    assert resample(torch.zeros(480, dtype=torch.float16), 48_000, 16_000).dtype == torch.float16
    with pytest.raises(ParameterError, match="int64"):
        resample(torch.zeros(480, dtype=torch.int64), 48_000, 16_000)


def test_tensors_at_rates_without_a_divisor_are_refused():
    """A filter for each of 15 999 phases would take gigabytes."""
    torch = pytest.importorskip("torch")
    with pytest.raises(ParameterError, match="greatest common divisor is 1"):
        resample(torch.zeros(48_000), 191_999, 16_001)


@pytest.mark.parametrize("rate", RATES)
def test_tensors_hold_the_bar_for_aliases(rate):
    torch = pytest.importorskip("torch")
    for hz in (8_500, 10_000, 11_500):
        y = resample(torch.from_numpy(tone(rate, hz).astype(np.float32)), rate, 16_000)
        assert level_db(y.numpy()) <= -110


def test_tensors_keep_the_gradient():
    """Also after the same rates were used where no gradient can be."""
    torch = pytest.importorskip("torch")
    with torch.inference_mode():
        resample(torch.zeros(4800), 48_000, 16_000)
    x = torch.zeros(4800, requires_grad=True)
    resample(x, 48_000, 16_000).sum().backward()
    assert x.grad is not None
    assert x.grad.shape == (4800,)


def test_tensors_are_held_to_the_flatness_bar():
    torch = pytest.importorskip("torch")
    for rate in RATES:
        for hz in (440, 3000, 7000):
            y = resample(torch.from_numpy(tone(rate, hz).astype(np.float32)), rate, 16_000)
            assert abs(level_db(y.numpy(), hz)) <= 0.01


def test_tensors_stay_on_their_device():
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("needs a GPU")
    x = torch.from_numpy(tone(44_100, 1000).astype(np.float32))
    y = resample(x.cuda(), 44_100, 16_000)
    assert y.device.type == "cuda"
    torch.testing.assert_close(y.cpu(), resample(x, 44_100, 16_000), atol=1e-5, rtol=0)
