"""MP3, OGG, Opus, M4A, MP4, AAC and WebM, decoded by FFmpeg through PyAV."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from relaylib.audio.channels import downmix
from relaylib.audio.extent import reaches_past_tag
from relaylib.audio.info import AudioInfo
from relaylib.audio.seeking import Lent
from relaylib.audio.source import Source, damaged, undecodable
from relaylib.audio.timeline import Timeline
from relaylib.types import samples_to_ms

__all__ = ["CompressedSource"]

log = logging.getLogger(__name__)

FloatArray = npt.NDArray[np.float32]

# playlists and scripts, which name other files or addresses, are not among them
_CONTAINERS = "mp3,ogg,mov,mp4,m4a,3gp,3g2,mj2,aac,matroska,webm,flac,wav,w64,aiff,au,caf,asf,amr,ac3,eac3,loas,mpegts"
_NAMES = {"mov": "mp4", "matroska": "webm"}
_LOSSLESS = frozenset({"flac", "alac"})
_MP3_SHORT_S = 0.1
_SHORT_S = 0.5  # padding, rounding and gaps of silence at the end stay below
_UNTAGGED_MP3_DELAY = 1105  # of LAME (576) and of any decoder (529), in samples


class CompressedSource(Source):
    """An open file that FFmpeg reads: the first audio stream of it.

    Encoder delay is trimmed by what the container says (LAME tag, Opus pre-skip, edit list, codec delay), and so is
    padding at the end. Where it cannot say, a bare AAC stream loses its first frame, which lacks the overlap that
    it would need to be decoded, and an MP3 without a tag the 1105 samples that LAME and the decoder add.

    A few packets (3, and 1 % of those before) may be damaged: they become silence where the container has a clock, and
    are left out where it has none (MP3), with a warning in the log. More, or one in a lossless codec, is an error, and
    so is audio that ends 0.5 s and 1 % before the container says, or an MP3 of which 0.1 s are missing by its tag.

    Parameters
    ----------
    path : Path
        What messages call it.
    file : binary file
        Where it is read from; closed by the caller.
    """

    def __init__(self, path: Path, file: BinaryIO) -> None:
        import av

        self._file: Any = Lent(file)
        # tags that are no text must not keep sound from being read; from PyAV 19 on they never do
        tags: Any = {"metadata_errors": "replace"} if int(av.__version__.split(".")[0]) < 19 else {}
        try:
            self._container = av.open(self._file, "r", options={"format_whitelist": _CONTAINERS}, **tags)
        except (av.FFmpegError, ValueError) as exc:
            raise undecodable(path, _looks_like(file)) from exc
        if not self._container.streams.audio:
            self._container.close()
            raise undecodable(path, "it has no audio stream")
        self._stream = self._container.streams.audio[0]
        codec: Any = self._stream.codec_context  # None, against its type, if the codec is not known
        if codec is None:
            self._container.close()
            raise undecodable(path, "its audio is in a codec that is not known")
        if not self._stream.rate:
            self._container.close()
            raise undecodable(path, "no audio frame is found in it")
        name = self._container.format.name.split(",")[0]
        duration = None if self._is_guessed(name) else self._container.duration
        if duration is not None and name == "ogg":  # of Opus, FFmpeg counts what is skipped at the start as well
            duration -= round(1e6 * codec.delay / self._stream.rate)
        self.info = AudioInfo(
            path=path,
            container=_NAMES.get(name, name),
            codec=codec.name.removesuffix("float"),
            sample_rate=self._stream.rate,
            channels=self._stream.channels,
            duration_ms=None if duration is None or duration < 0 else round(duration / 1000),
            n_samples=None if duration is None else self._counted(name),
        )

    def blocks(self) -> Iterator[FloatArray]:
        """Yield mono blocks [shape=(n,), float32] at the file's own rate."""
        import av

        timeline = self._timeline()
        rate, n_good, n_bad = self.info.sample_rate, 0, 0
        for frames in self._packets():
            if isinstance(frames, Exception):
                n_bad += 1
                at_ms = samples_to_ms(timeline.position, rate)
                if isinstance(frames, av.PatchWelcomeError):  # there may be hours of sound behind
                    reason = "another stream begins, of another rate, codec or number of channels, and is not decoded"
                    raise damaged(self.info.path, at_ms, reason) from frames
                if self.info.codec in _LOSSLESS or n_bad > 3 + n_good // 100:
                    raise damaged(self.info.path, at_ms, "its packets cannot be decoded") from frames
                log.warning("%s: a packet at %d ms cannot be decoded; it is taken as silence.", self.info.path, at_ms)
                timeline.lose()
                continue
            for frame in frames:
                n_good += 1
                if frame.sample_rate != rate:
                    reason = f"the sample rate changes from {rate} to {frame.sample_rate} Hz"
                    raise damaged(self.info.path, samples_to_ms(timeline.position, rate), reason)
                time_s = None if frame.pts is None else float(frame.time)
                if self.info.container == "flac" and timeline.lateness(time_s) > 0:
                    raise damaged(self.info.path, samples_to_ms(timeline.position, rate), "samples are missing")
                yield from timeline.place(_mono(frame), time_s)
                if timeline.is_stretched:
                    reason = "its timestamps leave more than an hour of gaps, and hardly any sound"
                    raise damaged(self.info.path, samples_to_ms(timeline.position, rate), reason)
        yield from timeline.finish()
        if n_bad and not n_good:
            raise undecodable(self.info.path, f"none of its packets is valid {self.info.codec}")
        if self._file.is_astray:
            raise damaged(self.info.path, samples_to_ms(timeline.position, rate), "it points to before its start")
        self._check_length(timeline.position)

    def close(self) -> None:
        """Close the decoder."""
        self._container.close()

    def _is_guessed(self, name: str) -> bool:
        """Whether FFmpeg has the length from the size of the file, which may be off by any factor."""
        return name == "aac" or (name == "mp3" and (not self._stream.start_time or reaches_past_tag(self._file)))

    def _counted(self, name: str) -> int | None:
        """Return how many samples the header counts, None where it has but a duration."""
        length, unit = self._stream.duration, self._stream.time_base
        if name not in ("mp3", "mov") or not length or not unit:
            return None
        return round(length * unit * self._stream.rate)

    def _check_length(self, n_samples: int) -> None:
        """Refuse audio that ends long before a container that knows its length says so."""
        stream, container = self._stream, self.info.container
        if container not in ("mp4", "webm", "ogg") and not (container == "mp3" and self.info.duration_ms is not None):
            return
        alone = len(self._container.streams) == 1
        if stream.duration and stream.time_base:
            promised_s = float(stream.duration * stream.time_base)
        elif alone and self._container.duration:
            promised_s = self._container.duration / 1e6
        else:
            return
        found_s = n_samples / self.info.sample_rate
        # the tag of an MP3 counts its frames; what is missing somewhere moves all that follows
        least_s = promised_s - _MP3_SHORT_S if container == "mp3" else 0.99 * promised_s - _SHORT_S
        if found_s < least_s:
            reason = f"it promises {promised_s:.3f} s, nothing can be decoded from here on"
            raise damaged(self.info.path, samples_to_ms(n_samples, self.info.sample_rate), reason)

    def _packets(self) -> Iterator[list[Any] | Exception]:
        """Yield the frames of one packet after the other, or why there are none."""
        import av

        try:
            for packet in self._container.demux(self._stream):
                yield _frames(packet)
        except av.FFmpegError as exc:
            yield exc

    def _timeline(self) -> Timeline:
        rate, stream = self.info.sample_rate, self._stream
        start_s = (self._container.start_time or 0) / 1e6
        end = None
        if self.info.container == "mp4" and stream.duration and stream.time_base:
            first = 0 if stream.start_time is None else stream.start_time
            end = round(((first + stream.duration) * stream.time_base - start_s) * rate)
        skip = 0
        if self.info.container == "aac":
            skip = -1  # the first frame, whatever its length
        elif self.info.container == "mp3" and not stream.start_time:
            skip = _UNTAGGED_MP3_DELAY
        return Timeline(rate, start_s=start_s, skip=skip, end=end)


def _frames(packet: Any) -> list[Any] | Exception:
    import av

    try:
        return list(packet.decode())
    except av.EOFError:
        return []
    except av.FFmpegError as exc:
        return exc


def _mono(frame: Any) -> FloatArray:
    """Return the samples of a frame [shape=(n,), float32, -1..1], channels averaged."""
    samples = frame.to_ndarray()
    samples = samples.T if frame.format.is_planar else samples.reshape(frame.samples, -1)
    if samples.dtype.kind == "f":
        return downmix(samples)
    if samples.dtype == np.uint8:
        return downmix(samples.astype(np.float32) / 128 - 1)
    return downmix(samples.astype(np.float32) / -float(np.iinfo(samples.dtype).min))


def _looks_like(file: BinaryIO) -> str:
    """Say what a file that FFmpeg refuses seems to be."""
    file.seek(0)
    head = file.read(1024)
    if not head.strip(b"\0"):
        return "it starts with zeros only"
    if all(byte >= 0x20 or byte in b"\t\r\n\f\x1b" for byte in head):
        return "it is text"
    if head[4:8] == b"ftyp":
        return "its index is missing; was the recording closed?"
    return "its content is no audio format that is known here"
