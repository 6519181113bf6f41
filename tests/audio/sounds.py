"""Sounds with a known place, and encoders for the formats that soundfile does not write."""

from __future__ import annotations

import av
import numpy as np
import soundfile

MARK_S = 0.75  # where the burst sits
DURATION_S = 2.0

# ending, container for PyAV (None: soundfile), codec, sample rate
LOSSLESS = [
    (".wav", None, "PCM_16", 44_100),
    (".wav", None, "FLOAT", 48_000),
    (".flac", None, "PCM_24", 24_000),
    (".flac", "flac", "flac", 22_050),
    (".aiff", None, "PCM_16", 44_100),
    (".m4a", "ipod", "alac", 44_100),
    (".wav", None, "PCM_16", 8_000),
    (".wav", None, "PCM_16", 192_000),
]
LOSSY = [
    (".mp3", "mp3", "libmp3lame", 44_100),
    (".mp3", "mp3", "libmp3lame", 24_000),
    (".mp3", "mp3", "libmp3lame", 16_000),
    (".mp3", None, "MPEG_LAYER_III", 48_000),
    (".ogg", None, "VORBIS", 44_100),
    (".ogg", "ogg", "libopus", 48_000),
    (".opus", "ogg", "libopus", 24_000),
    (".m4a", "ipod", "aac", 44_100),
    (".mp4", "mp4", "aac", 16_000),
    (".aac", "adts", "aac", 44_100),
    (".aac", "adts", "aac", 16_000),
    (".webm", "webm", "libopus", 48_000),
    (".wav", None, "ULAW", 8_000),
]


def burst(times_s, at_s=MARK_S):
    """Return a 2 kHz tone under a Hann window of 5 ms, its middle at `at_s`."""
    t = times_s - at_s
    return np.where(np.abs(t) < 0.0025, 0.8 * np.cos(2 * np.pi * 2000 * t) * np.cos(np.pi * t / 0.005) ** 2, 0)


def marked(rate, duration_s=DURATION_S):
    """Return quiet noise with a burst at MARK_S."""
    times_s = np.arange(int(duration_s * rate)) / rate
    noise = np.random.default_rng(1).standard_normal(len(times_s)) * 0.003
    return (burst(times_s) + noise).astype(np.float32)


def place_of_burst(samples, rate=16_000):
    """Return where the burst is, in s, by correlation with the formula."""
    template = burst(np.arange(-80, 81) / rate, at_s=0.0)
    return (np.argmax(np.correlate(samples, template, "valid")) + 80) / rate


def write(path, x, rate, container, codec, options=None):
    """Write mono `x` by soundfile (no `container`) or PyAV."""
    if container is None:
        format_ = {".ogg": "OGG", ".opus": "OGG", ".aiff": "AIFF"}.get(path.suffix)
        soundfile.write(path, x, rate, subtype=codec, format=format_)
        return path
    with av.open(str(path), "w", format=container, options=options or {}) as out:
        stream = out.add_stream(codec, rate=rate)
        stream.layout = "mono"
        if codec not in ("flac", "alac"):
            stream.bit_rate = 64_000
        stream.codec_context.open(strict=False)
        frame = av.AudioFrame.from_ndarray(x[None].astype(np.float32), format="fltp", layout="mono")
        frame.sample_rate, frame.pts = rate, 0
        cutter = av.AudioResampler(stream.format, "mono", rate, frame_size=stream.codec_context.frame_size or 1024)
        for piece in [*cutter.resample(frame), *cutter.resample(None), None]:
            for packet in stream.encode(piece):
                out.mux(packet)
    return path
