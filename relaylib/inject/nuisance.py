"""Whole recordings as other microphones, rooms and codecs would give them: none of it an artifact."""

from __future__ import annotations

import io

import numpy as np
import numpy.typing as npt
import soundfile as sf
from scipy import ndimage
from scipy.signal import butter, fftconvolve, sosfilt

from relaylib.audio.saving import VORBIS_MOST_HZ, write_in_blocks
from relaylib.inject.canvas import checked, held_in
from relaylib.inject.echoes import room_response
from relaylib.types import SAMPLE_RATE

__all__ = ["vary"]

FloatArray = npt.NDArray[np.float32]

_MP3_HZ = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
_CODECS: dict[str, dict[str, str]] = {
    "MP3": {"format": "MP3", "subtype": "MPEG_LAYER_III", "bitrate_mode": "VARIABLE"},
    "OGG": {"format": "OGG", "subtype": "VORBIS"},
}


def vary(samples: FloatArray, rng: np.random.Generator | int = 0, *, sample_rate: int = SAMPLE_RATE) -> FloatArray:
    """Return a recording under other circumstances: level, equaliser, small room, noise, a noise gate, a lossy codec.

    Nothing moves in time by more than a few samples, so that annotations keep holding. Each change comes by chance;
    together they are what a detector should not care about.

    Parameters
    ----------
    samples : np.ndarray [shape=(n,), float32, -1..1]
    rng : np.random.Generator or int
        Source of chance, or a seed.
    sample_rate : int
        In Hz; 8000 or more.

    Returns
    -------
    np.ndarray [shape=(n,), float32, -1..1]

    Raises
    ------
    ParameterError
        If `samples` is not one-dimensional or no floats, has values that are not finite or a sample rate below 8000 Hz.
    """
    varied = checked(samples, sample_rate)
    if not len(varied):
        return varied
    rng = np.random.default_rng(rng)
    if rng.random() < 0.5:
        varied = _equalised(varied, rng, sample_rate)
    if rng.random() < 0.2:
        response = room_response(rng, sample_rate, rng.uniform(0.12, 0.4), rng.uniform(1.5, 5))
        varied = fftconvolve(varied, response)[: len(varied)].astype(np.float32)
    if rng.random() < 0.5:
        varied = _noisy(varied, rng)
    if rng.random() < 0.25:
        varied = _gated(varied, rng, sample_rate)
    peak = float(np.abs(varied).max()) + 1e-9
    varied = (varied * (10 ** (rng.uniform(-18, -0.3) / 20) / peak)).astype(np.float32)
    if rng.random() < 0.35:
        varied = _coded(varied, rng, sample_rate)
    return np.clip(varied, -1, 1)


def _equalised(samples: FloatArray, rng: np.random.Generator, sample_rate: int) -> FloatArray:
    """Return a recording with lows, highs or some band up to 9 dB up or down."""
    varied = samples.astype(np.float64)
    for _ in range(int(rng.integers(1, 4))):
        centre = np.exp(rng.uniform(np.log(80), np.log(0.4 * sample_rate)))
        high = held_in(centre * 1.6, sample_rate)
        band = butter(1, [centre * 0.6, high], "bandpass", fs=sample_rate, output="sos")
        varied = varied + (10 ** (rng.uniform(-9, 9) / 20) - 1) * sosfilt(band, varied)
    if rng.random() < 0.25:
        dull = butter(4, rng.uniform(3400, 7600) * sample_rate / 16_000, fs=sample_rate, output="sos")
        varied = sosfilt(dull, varied)
    return varied.astype(np.float32)


def _noisy(samples: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Return a recording with steady noise of some colour, 25 to 60 dB below it."""
    n = len(samples)
    spectrum = np.fft.rfft(rng.standard_normal(n))
    spectrum *= np.maximum(np.arange(len(spectrum)), 20.0) ** (-0.5 * rng.uniform(0, 2))
    noise = np.fft.irfft(spectrum, n)
    level = np.sqrt(np.square(samples, dtype=np.float64).mean()) * 10 ** (-rng.uniform(25, 60) / 20)
    return (samples + noise * level / (noise.std() + 1e-12)).astype(np.float32)


def _gated(samples: FloatArray, rng: np.random.Generator, sample_rate: int) -> FloatArray:
    """Return a recording whose pauses are exactly silent, as behind a noise gate: some open and close abruptly."""
    block = max(1, sample_rate // 200)
    padded = np.pad(samples, (0, -len(samples) % block)).astype(np.float64).reshape(-1, block)
    level_db = 10 * np.log10(np.square(padded).mean(axis=1) + 1e-12)
    opened = level_db > level_db.max(initial=-120.0) - rng.uniform(38, 55)
    hold = int(rng.integers(1, 8))
    gate = np.repeat(ndimage.maximum_filter1d(opened.astype(np.float32), 2 * hold + 1), block)[: len(samples)]
    if rng.random() < 0.5:
        gate = ndimage.uniform_filter1d(gate, max(1, int(rng.uniform(0.001, 0.01) * sample_rate)))
    return (samples * np.clip(gate, 0, 1)).astype(np.float32)


def _coded(samples: FloatArray, rng: np.random.Generator, sample_rate: int) -> FloatArray:
    """Return a recording after a lossy codec."""
    kind = str(rng.choice(["MP3", "OGG"]))
    if sample_rate not in _MP3_HZ if kind == "MP3" else sample_rate > VORBIS_MOST_HZ:
        return samples
    file, quality = io.BytesIO(), float(rng.uniform(0.2, 0.95))
    with sf.SoundFile(file, "w", sample_rate, 1, compression_level=quality, **_CODECS[kind]) as coded:
        write_in_blocks(coded, samples)
    file.seek(0)
    back, _ = sf.read(file, dtype="float32")
    return _aligned(back, samples)


def _aligned(back: FloatArray, samples: FloatArray) -> FloatArray:
    """Return what a decoder gave, without the delay of the codec and as long as what went in."""
    span = slice(0, min(len(back), len(samples), 1 << 17))
    size = 1 << 18
    likeness = np.fft.irfft(np.fft.rfft(back[span], size) * np.conj(np.fft.rfft(samples[span], size)), size)
    delay = int(np.concatenate([likeness[:4000], likeness[-200:]]).argmax())
    delay = delay if delay < 4000 else delay - 4200
    shifted = back[delay:] if delay >= 0 else np.pad(back, (-delay, 0))
    return np.pad(shifted[: len(samples)], (0, max(0, len(samples) - len(shifted)))).astype(np.float32)
