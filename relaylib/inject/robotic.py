"""Speech that a machine mangles: vocoders, lost phase, crushed bits, frozen spectra."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy.linalg import solve_toeplitz
from scipy.ndimage import uniform_filter1d
from scipy.signal import butter, istft, lfilter, sosfilt, stft

from relaylib.inject.canvas import Canvas, Edit, FloatArray, Shape, blend, spanning

__all__ = ["ROBOTIC"]

ComplexArray = npt.NDArray[np.complexfloating]

Processing = Callable[[Canvas, FloatArray], FloatArray]
"""Makes of a span of speech what is heard in its place."""


def processed(change: Processing) -> Callable[[Canvas], Edit | None]:
    """Return a way to change a span, as loud as it was, and cross-faded at both edges."""

    def changed(canvas: Canvas, dry: FloatArray) -> FloatArray | None:
        n = len(dry)
        if not dry.any():
            return None
        wet = np.asarray(change(canvas, dry), np.float32)[:n]
        wet = np.pad(wet, (0, n - len(wet)))
        loudness = float(np.sqrt(np.square(wet).mean()))
        if not np.isfinite(loudness) or loudness < 1e-6:
            return None
        wet = wet * (float(np.sqrt(np.square(dry).mean())) / loudness * canvas.rng.uniform(0.8, 1.2))
        return blend(dry, np.clip(wet, -1, 1), canvas.draw_ms(3, 40))

    return spanning(280, 2000, changed, spoken=0.75)


@dataclass(frozen=True, slots=True)
class _Frames:
    """How a short-time spectrum is taken: samples of a frame, and from one to the next."""

    sample_rate: int
    size: int
    hop: int

    @classmethod
    def drawn(cls, canvas: Canvas) -> _Frames:
        parts = int(canvas.rng.choice([2, 4, 8]))
        hop = max(1, canvas.draw_ms(8, 70) // parts)
        return cls(canvas.sample_rate, parts * hop, hop)

    def spectrum(self, samples: FloatArray) -> ComplexArray:
        """Return bins and frames [shape=(n_bins, n_frames)]."""
        found: ComplexArray = stft(samples, nperseg=self.size, noverlap=self.size - self.hop)[2]
        return found

    def samples(self, spectrum: ComplexArray) -> FloatArray:
        """Return what has this spectrum, or the nearest to it that there is."""
        return np.asarray(istft(spectrum, nperseg=self.size, noverlap=self.size - self.hop)[1], np.float32)

    def bins(self, hz: float) -> int:
        """Return a width in bins, one at least."""
        return max(1, round(hz * self.size / self.sample_rate))

    def count(self, ms: float) -> int:
        """Return a length in frames, one at least."""
        return max(1, round(ms * self.sample_rate / 1000 / self.hop))


def spectrally(change: Callable[[np.random.Generator, _Frames, ComplexArray], ComplexArray]) -> Processing:
    """Return a way to process a span by its short-time spectrum [shape=(n_bins, n_frames)], of frames of any size."""

    @functools.wraps(change)
    def changed(canvas: Canvas, dry: FloatArray) -> FloatArray:
        frames = _Frames.drawn(canvas)
        return frames.samples(change(canvas.rng, frames, frames.spectrum(dry)))

    return changed


@spectrally
def zero_phase(rng: np.random.Generator, frames: _Frames, spectrum: ComplexArray) -> ComplexArray:
    """All partials in step once in every frame, at its start or within it: a buzz at the rate of the frames."""
    when = rng.choice([0.0, 0.5, rng.uniform(0.2, 0.8)])  # of a frame
    partials = np.arange(spectrum.shape[0])[:, None]
    return np.abs(spectrum) * np.exp(1j * (rng.choice([0.0, rng.uniform(-np.pi, np.pi)]) - 2 * np.pi * when * partials))


@spectrally
def held_phase(rng: np.random.Generator, frames: _Frames, spectrum: ComplexArray) -> ComplexArray:
    """Phases of one frame in all that follow for a while: a buzz that has something of the voice."""
    every = max(3, frames.count(rng.uniform(40, 400)))
    return np.abs(spectrum) * np.exp(1j * np.angle(spectrum)[:, _held(spectrum.shape[1], every)])


@spectrally
def random_phase(rng: np.random.Generator, frames: _Frames, spectrum: ComplexArray) -> ComplexArray:
    """Phases lost, wholly or in part: a whispering, watery voice."""
    spread = rng.uniform(1.2, np.pi)
    return spectrum * np.exp(1j * rng.uniform(-spread, spread, spectrum.shape))


@spectrally
def guessed_phase(rng: np.random.Generator, frames: _Frames, spectrum: ComplexArray) -> ComplexArray:
    """A vocoder that stops too early: magnitudes kept, phases after a few rounds of Griffin and Lim's method."""
    return _guessed(rng, frames, np.abs(spectrum))


@spectrally
def few_bands(rng: np.random.Generator, frames: _Frames, spectrum: ComplexArray) -> ComplexArray:
    """A vocoder that is given little: the loudness of some dozen mel bands, and guessed phases."""
    n_bins = spectrum.shape[0]
    n_bands = min(int(rng.integers(12, 64)), n_bins // 2)
    mel = 2595 * np.log10(1 + np.linspace(0, frames.sample_rate / 2, n_bins) / 700)
    centres = np.linspace(0, mel[-1], n_bands)
    bands = np.maximum(0, 1 - np.abs(mel - centres[:, None]) / centres[1])
    bands /= bands.sum(axis=1, keepdims=True) + 1e-9
    loudness = np.stack([np.interp(mel, centres, frame) for frame in (bands @ np.abs(spectrum)).T], axis=1)
    return _guessed(rng, frames, loudness)


@spectrally
def missing_partials(rng: np.random.Generator, frames: _Frames, spectrum: ComplexArray) -> ComplexArray:
    """Bins that come and go, as of a codec starved of bits."""
    n_bins, n_frames = frames.bins(rng.uniform(40, 250)), frames.count(rng.uniform(8, 32))
    shape = (spectrum.shape[0] // n_bins + 1, spectrum.shape[1] // n_frames + 1)
    kept = (rng.random(shape) > rng.uniform(0.4, 0.85)).repeat(n_bins, axis=0).repeat(n_frames, axis=1)
    return spectrum * kept[: spectrum.shape[0], : spectrum.shape[1]]


@spectrally
def frozen(rng: np.random.Generator, frames: _Frames, spectrum: ComplexArray) -> ComplexArray:
    """The spectrum changes only every so often, or is smeared over time."""
    loudness, every = np.abs(spectrum), max(3, frames.count(rng.uniform(30, 200)))
    if rng.random() < 0.5:
        loudness = loudness[:, _held(loudness.shape[1], every)]
    else:
        left = np.exp(-1 / every)
        loudness = lfilter([1 - left], [1, -left], loudness, axis=1)
    return loudness * np.exp(1j * np.angle(spectrum))


@spectrally
def smooth_spectrum(rng: np.random.Generator, frames: _Frames, spectrum: ComplexArray) -> ComplexArray:
    """Detail over frequency lost: formants without pitch, or pitch without formants."""
    width = max(2, frames.bins(rng.uniform(200, 1500)))
    even = uniform_filter1d(np.abs(spectrum), width, axis=0, mode="constant")
    if rng.random() < 0.5:
        return even * np.exp(1j * rng.uniform(-np.pi, np.pi, spectrum.shape))
    return spectrum / (even + 1e-4 * even.max()) * even.mean()


def _guessed(rng: np.random.Generator, frames: _Frames, loudness: npt.NDArray[np.floating]) -> ComplexArray:
    """Return a spectrum of this loudness, with phases that hardly belong together."""
    phase = np.exp(1j * rng.uniform(-np.pi, np.pi, loudness.shape))
    for _ in range(int(rng.integers(1, 8))):
        again = frames.spectrum(frames.samples(loudness * phase))[:, : loudness.shape[1]]
        again = np.pad(again, ((0, 0), (0, loudness.shape[1] - again.shape[1])))
        phase = again / (np.abs(again) + 1e-9)
    return loudness * phase


def crushed(canvas: Canvas, dry: FloatArray) -> FloatArray:
    """Few bits, and at times few samples, too."""
    every = canvas.rng.choice([1.0, canvas.rng.uniform(1.5, 5)])
    held = dry[_held(len(dry), every * canvas.sample_rate / 16_000)]
    steps = 2 ** canvas.rng.uniform(1.0, 4.5) / (float(np.abs(dry).max()) + 1e-9)
    return (np.round(held * steps) / steps).astype(np.float32)


def sampled_and_held(canvas: Canvas, dry: FloatArray) -> FloatArray:
    """A low sample rate without filters: everything mirrored."""
    return dry[_held(len(dry), canvas.rng.uniform(3, 14) * canvas.sample_rate / 16_000)]


def _held(n: int, every: float) -> npt.NDArray[np.intp]:
    """Return which of `n` samples, or frames, is heard when, if only every so many-th is taken."""
    every = max(every, 1.0)
    return (np.floor(np.arange(n) / every) * every).astype(np.intp)


def ring(canvas: Canvas, dry: FloatArray) -> FloatArray:
    """Multiplied by a tone, as robots of old films are."""
    time = np.arange(len(dry)) / canvas.sample_rate
    tone = np.sin(2 * np.pi * canvas.rng.uniform(25, 400) * time)
    return (dry * (tone if canvas.rng.random() < 0.7 else np.sign(tone))).astype(np.float32)


def flanged(canvas: Canvas, dry: FloatArray) -> FloatArray:
    """The voice in a tube: a comb with strong feedback, standing still or moving."""
    rng = canvas.rng
    delay = canvas.draw_ms(2.5, 14)
    comb = np.zeros(delay + 1)
    comb[0], comb[-1] = 1, -rng.uniform(0.75, 0.93) * rng.choice([-1, 1])
    return np.asarray(lfilter([1.0], comb, dry), np.float32)


def monotone(canvas: Canvas, dry: FloatArray) -> FloatArray:
    """Linear prediction with a buzz, or noise, in the place of the vocal cords."""
    rng = canvas.rng
    n, order = canvas.ms(30), int(rng.integers(10, 20))
    hop = n // 2
    window = np.hanning(2 * hop)
    source = np.zeros(len(dry) + 2 * n)
    source[:: max(2, int(canvas.sample_rate / rng.uniform(70, 240)))] = 1.0
    if rng.random() < 0.3:
        source = rng.standard_normal(len(source))
    padded = np.pad(dry.astype(np.float64), (hop, n))
    wet = np.zeros(len(dry) + 2 * n)
    for start in range(0, len(dry) + hop, hop):
        part = padded[start : start + 2 * hop]
        if len(part) < 2 * hop or np.abs(part).max() < 1e-4:
            continue
        predictor, power = _predictor(part * window, order)
        spoken = lfilter([np.sqrt(power)], predictor, source[start : start + 2 * hop])
        wet[start : start + 2 * hop] += spoken * window
    return wet[hop : hop + len(dry)].astype(np.float32)


def _predictor(part: npt.NDArray[np.float64], order: int) -> tuple[npt.NDArray[np.float64], float]:
    """Return the coefficients of the prediction error filter, and the power of the error."""
    size = 2 ** int(np.ceil(np.log2(2 * len(part))))
    correlation = np.fft.irfft(np.abs(np.fft.rfft(part, size)) ** 2)[: order + 1]
    correlation[0] = correlation[0] * 1.0001 + 1e-9
    predictor = np.concatenate([[1.0], -solve_toeplitz(correlation[:-1], correlation[1:])])
    return predictor, max(float(np.einsum("i,i->", predictor, correlation)), 1e-12)


def channels(canvas: Canvas, dry: FloatArray) -> FloatArray:
    """A channel vocoder: the envelopes of a few bands, on a tone or noise in each."""
    rng = canvas.rng
    edges = np.geomspace(90, 0.47 * canvas.sample_rate, int(rng.integers(6, 18)))
    smooth = butter(1, rng.uniform(15, 60), fs=canvas.sample_rate, output="sos")
    carrier = rng.standard_normal(len(dry))
    if rng.random() < 0.5:
        carrier = np.zeros(len(dry))
        carrier[:: int(canvas.sample_rate / rng.uniform(70, 220))] = 8.0
    wet = np.zeros(len(dry))
    for low, high in pairwise(edges):
        band = butter(2, [low, high], "bandpass", fs=canvas.sample_rate, output="sos")
        envelope = sosfilt(smooth, np.abs(sosfilt(band, dry)))
        wet += envelope * sosfilt(band, carrier)
    return wet.astype(np.float32)


_SPECTRAL = (
    zero_phase,
    held_phase,
    random_phase,
    guessed_phase,
    few_bands,
    missing_partials,
    frozen,
    smooth_spectrum,
)
_OVER_TIME = (crushed, sampled_and_held, ring, flanged, monotone, channels)

ROBOTIC = tuple(Shape(change.__name__, "robotic", processed(change)) for change in (*_SPECTRAL, *_OVER_TIME))
