"""Every compressed format, and WAV whose length was never filled in, by PyAV (FFmpeg's libraries)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from relaylib.audio.frames import Block, join_short, silence_blocks, to_mono, without_padding
from relaylib.audio.info import AudioInfo
from relaylib.audio.mpeg import has_length_tag
from relaylib.audio.sniff import Container, read_head
from relaylib.errors import AudioDecodeError
from relaylib.types import samples_to_ms

__all__ = ["LibavSource"]

_DEMUXER = {"wav": "wav", "flac": "flac", "mp3": "mp3", "aac": "aac", "ogg": "ogg", "mp4": "mp4", "webm": "matroska"}
_BARE = ("mp3", "aac")  # frames without a container: junk before the first and behind the last is part of life
_BROKEN_AT_ENDS = 3
_MP3_DELAY = 529 + 576  # of every decoder, and of the encoder that nearly all files come from
_GAP_S = 0.1
_MAX_GAP_S = 3600.0


class LibavSource:
    """An open file; close it by ``with``.

    The demuxer is the one that `container` names: content taken for one format is never tried as another,
    playlists that name other files or hosts included.

    Raises
    ------
    AudioDecodeError
        If the header is damaged, there is no audio in it, or its codec is unknown.
    """

    def __init__(self, path: str | os.PathLike[str], container: Container) -> None:
        import av

        self.path, self.container = os.fspath(path), container
        self.name = os.path.basename(self.path)
        try:
            self._file: Any = av.open(
                f"file:{self.path}", format=_DEMUXER[container], options={"protocol_whitelist": "file"}
            )
        except (av.FFmpegError, OSError, ValueError) as exc:
            raise AudioDecodeError(
                f"{self.name}: its {container} header is damaged or cut ({_words(exc)}); copy or export it again."
            ) from exc
        if not self._file.streams.audio:
            self._file.close()
            raise AudioDecodeError(f"{self.name}: has no audio track; export it with sound.")
        self._track: Any = self._file.streams.audio[0]
        if self._track.codec_context is None:
            self._file.close()
            raise AudioDecodeError(f"{self.name}: its audio codec is unknown; export it as WAV or FLAC.")

    def __enter__(self) -> LibavSource:
        return self

    def __exit__(self, *exc: object) -> None:
        self._file.close()

    def probe(self) -> AudioInfo:
        """Describe the first audio track."""
        codec, seconds = self._track.codec_context, self._declared_s()
        counted = seconds is not None and self.container in ("mp3", "mp4", "wav")
        return AudioInfo(
            path=self.path,
            container=self.container,
            codec=codec.name,
            sample_rate=codec.sample_rate,
            channels=codec.channels,
            duration_ms=None if seconds is None else round(1000 * seconds),
            n_samples=round(seconds * codec.sample_rate) if counted and seconds is not None else None,
        )

    def read(self) -> Iterator[Block]:
        """Yield ``(sample_rate, mono block)`` to the end of the first audio track.

        Raises
        ------
        AudioDecodeError
            If a packet does not decode, timestamps jump, or fewer samples come than the header says.
        """
        blocks = self._blocks()
        seconds = self._declared_s()
        if self.container == "mp4" and seconds is not None:
            blocks = without_padding(blocks, round(seconds * self._track.codec_context.sample_rate))
        return join_short(blocks)

    def _blocks(self) -> Iterator[Block]:
        """Yield the frames as mono, cut the delay that bare streams do not declare, and fill gaps with silence."""
        position = rate = skipped = 0
        skip, origin_s = None, self._origin_s()
        for frame in self._frames():
            position, rate = position * frame.sample_rate // (rate or 1), frame.sample_rate
            mono = to_mono(frame)
            if skip is None:
                skip = self._undeclared_delay(len(mono))
            if self.container in ("mp4", "webm") and frame.time is not None:
                origin_s = frame.time if origin_s is None else origin_s
                for silence in self._silence(frame.time - origin_s - position / rate, rate, position):
                    position += len(silence[1])
                    yield silence
            n_cut = min(skip - skipped, len(mono))
            skipped += n_cut
            position += len(mono) - n_cut
            yield rate, mono[n_cut:]
        self._check_length(position + skipped, rate)

    def _frames(self) -> Iterator[Any]:
        """Decode packet by packet.

        A bare stream may have a few broken packets before its first frame and behind its last; any other is
        damage, and going on would move all that follows in time.
        """
        import av

        n_samples = n_broken = 0
        broken: Exception | None = None
        try:
            for packet in self._file.demux(self._track):
                try:
                    frames = packet.decode()
                except av.FFmpegError as exc:
                    n_broken += 1
                    if self.container not in _BARE or n_broken > _BROKEN_AT_ENDS:
                        raise
                    broken = exc
                    continue
                for frame in frames:
                    if broken is not None and n_samples:
                        raise broken
                    broken, n_samples = None, n_samples + frame.samples
                    yield frame
        except (av.FFmpegError, OSError) as exc:
            at_ms = samples_to_ms(n_samples, self._track.codec_context.sample_rate or 1)
            raise AudioDecodeError(
                f"{self.name}: is damaged or cut at about {at_ms} ms ({_words(exc)}); copy it again."
            ) from exc

    def _silence(self, gap_s: float, rate: int, position: int) -> Iterator[Block]:
        if gap_s < _GAP_S:
            return
        if gap_s > _MAX_GAP_S:
            raise AudioDecodeError(
                f"{self.name}: its timestamps jump by {gap_s:.0f} s after {samples_to_ms(position, rate)} ms; "
                "export it again."
            )
        yield from silence_blocks(gap_s, rate)

    def _check_length(self, n_samples: int, rate: int) -> None:
        seconds = self._declared_s()
        if self.container != "mp3" or seconds is None or rate == 0:
            return
        if seconds - n_samples / rate > _GAP_S:
            raise AudioDecodeError(
                f"{self.name}: is cut or damaged, its header says {round(1000 * seconds)} ms of audio and "
                f"{samples_to_ms(n_samples, rate)} ms are there; copy it again."
            )

    def _undeclared_delay(self, n_first: int) -> int:
        """Return how many samples to drop in front of a bare stream, where no header gives its encoder's delay.

        An MP3 without a LAME tag has the delay of nearly all encoders. AAC has at least one frame in which
        the first transform fades in; HE-AAC and some encoders have more, which nothing in the file tells.
        """
        if self.container == "aac":
            return n_first
        if self.container == "mp3" and not self._track.start_time and self._track.codec_context.name.startswith("mp3"):
            return _MP3_DELAY
        return 0

    def _origin_s(self) -> float | None:
        """Return the time at which the recording starts: the container's beside a picture, else the first frame's."""
        if any(not s.disposition & s.disposition.attached_pic for s in self._file.streams.video):
            return float(self._file.start_time or 0) / 1e6
        return None

    def _declared_s(self) -> float | None:
        track = self._track
        if self.container == "aac" or (self.container == "mp3" and not has_length_tag(read_head(self.path))):
            return None  # FFmpeg would guess from the size of the file
        if self.container == "webm":
            return self._file.duration / 1e6 if self._file.duration else None
        if not track.duration:
            return None
        seconds = float(track.duration * track.time_base)
        if self.container == "ogg" and track.codec_context.name in ("opus", "libopus"):
            extra = track.codec_context.extradata or b""
            seconds -= int.from_bytes(extra[10:12], "little") / 48_000  # the pre-skip, which decoding drops
        return max(0.0, seconds)


def _words(exc: Exception) -> str:
    return (getattr(exc, "strerror", "") or str(exc) or type(exc).__name__).strip()
