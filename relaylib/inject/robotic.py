"""Speech that a machine mangles: vocoders, lost phase, crushed bits, frozen spectra."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy.linalg import solve_toeplitz
from scipy.signal import butter, istft, lfilter, sosfilt, stft

from relaylib.inject.canvas import Canvas, Edit, FloatArray, Shape, blend, spanning

__all__ = ["ROBOTIC"]

ComplexArray = npt.NDArray[np.complexfloating]


def processed(change: Callable[[Canvas, FloatArray], FloatArray]) -> Callable[[Canvas], Edit | None]:
    """Return a way to change a span, as loud as it was, and cross-faded at both edges."""

    def changed(canvas: Canvas, dry: FloatArray) -> FloatArray | None:
        n = len(dry)
        wet = np.asarray(change(canvas, dry), np.float32)[:n]
        wet = np.pad(wet, (0, n - len(wet)))
        loudness = float(np.sqrt(np.square(wet).mean()))
        if not np.isfinite(loudness) or loudness < 1e-6:
            return None
        wet = wet * (float(np.sqrt(np.square(dry).mean())) / loudness * canvas.rng.uniform(0.8, 1.2))
        return blend(dry, np.clip(wet, -1, 1), canvas.draw_ms(3, 40))

    return spanning(280, 2000, changed, spoken=0.75)


def _spectrally(canvas: Canvas, dry: FloatArray, change: Callable[[ComplexArray], ComplexArray]) -> FloatArray:
    """Return what a change of the short-time spectrum [shape=(n_bins, n_frames)] makes of a span."""
    size = int(canvas.rng.choice([256, 400, 512, 800, 1024]))
    _, _, spectrum = stft(dry, nperseg=size, noverlap=size - size // 4)
    _, wet = istft(change(spectrum), nperseg=size, noverlap=size - size // 4)
    return np.asarray(wet, np.float32)


def zero_phase(canvas: Canvas, dry: FloatArray) -> FloatArray:
    """All partials in step in every frame: a buzz at the rate of the frames."""
    return _spectrally(canvas, dry, lambda spectrum: np.abs(spectrum).astype(np.complex64))


def random_phase(canvas: Canvas, dry: FloatArray) -> FloatArray:
    """Phases lost, wholly or in part: a whispering, watery voice."""
    spread = canvas.rng.uniform(1.2, np.pi)
    return _spectrally(
        canvas, dry, lambda spectrum: spectrum * np.exp(1j * canvas.rng.uniform(-spread, spread, spectrum.shape))
    )


def guessed_phase(canvas: Canvas, dry: FloatArray) -> FloatArray:
    """A vocoder that stops too early: magnitudes kept, phases after a few rounds of Griffin and Lim's method."""
    rng = canvas.rng
    size = int(rng.choice([400, 512, 800, 1024]))
    options = {"nperseg": size, "noverlap": size - size // int(rng.choice([2, 4]))}
    loudness = np.abs(stft(dry, **options)[2])
    phase = np.exp(1j * rng.uniform(-np.pi, np.pi, loudness.shape))
    for _ in range(int(rng.integers(1, 8))):
        again = stft(istft(loudness * phase, **options)[1], **options)[2][:, : loudness.shape[1]]
        again = np.pad(again, ((0, 0), (0, loudness.shape[1] - again.shape[1])))
        phase = again / (np.abs(again) + 1e-9)
    return np.asarray(istft(loudness * phase, **options)[1], np.float32)


def missing_partials(canvas: Canvas, dry: FloatArray) -> FloatArray:
    """Bins that come and go, as of a codec starved of bits."""
    rng = canvas.rng
    share = rng.uniform(0.4, 0.85)

    def change(spectrum: ComplexArray) -> ComplexArray:
        coarse = rng.random((spectrum.shape[0] // 4 + 1, spectrum.shape[1] // 2 + 1)) > share
        return spectrum * coarse.repeat(4, axis=0).repeat(2, axis=1)[: spectrum.shape[0], : spectrum.shape[1]]

    return _spectrally(canvas, dry, change)


def frozen(canvas: Canvas, dry: FloatArray) -> FloatArray:
    """The spectrum changes only every so often, or is smeared over time."""
    rng = canvas.rng
    every = int(rng.integers(4, 14))

    def change(spectrum: ComplexArray) -> ComplexArray:
        loudness = np.abs(spectrum)
        if rng.random() < 0.5:
            loudness = loudness[:, np.arange(loudness.shape[1]) // every * every]
        else:
            loudness = lfilter([1 - 1 / every * 3 if every > 3 else 0.3], [1, -0.9], loudness, axis=1)
        return loudness * np.exp(1j * np.angle(spectrum))

    return _spectrally(canvas, dry, change)


def smooth_spectrum(canvas: Canvas, dry: FloatArray) -> FloatArray:
    """Detail over frequency lost: formants without pitch, or pitch without formants."""
    rng = canvas.rng
    width = int(rng.integers(8, 30))

    def change(spectrum: ComplexArray) -> ComplexArray:
        loudness = np.abs(spectrum)
        kernel = np.ones(width) / width
        even = np.apply_along_axis(np.convolve, 0, loudness, kernel, "same")
        if rng.random() < 0.5:
            return even * np.exp(1j * rng.uniform(-np.pi, np.pi, spectrum.shape))
        return spectrum / (even + 1e-4 * even.max()) * even.mean()

    return _spectrally(canvas, dry, change)


def crushed(canvas: Canvas, dry: FloatArray) -> FloatArray:
    """Few bits."""
    steps = 2 ** canvas.rng.uniform(1.0, 3.5) / (float(np.abs(dry).max()) + 1e-9)
    return (np.round(dry * steps) / steps).astype(np.float32)


def sampled_and_held(canvas: Canvas, dry: FloatArray) -> FloatArray:
    """A low sample rate without filters: everything mirrored."""
    every = int(canvas.rng.integers(4, 14) * canvas.sample_rate / 16_000)
    return dry[np.arange(len(dry)) // every * every]


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


_SPECTRAL = (zero_phase, random_phase, guessed_phase, missing_partials, frozen, smooth_spectrum)
_OVER_TIME = (crushed, sampled_and_held, ring, flanged, monotone, channels)

ROBOTIC = tuple(Shape(change.__name__, "robotic", processed(change)) for change in (*_SPECTRAL, *_OVER_TIME))
