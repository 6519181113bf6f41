"""What the encoder learns from: crops of speech, with artifacts put in, as other microphones would hear them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile as sf
import torch
from torch.utils.data import Dataset

from relaylib.inject import inject, type_names, vary
from relaylib.models.spectral.mel import log_mel
from relaylib.models.targets import frame_targets
from relaylib.types import HOP, SAMPLE_RATE, Annotation

__all__ = ["N_CODES", "TYPES", "Batch", "Crops", "Speech", "load_speech"]

FloatArray = npt.NDArray[np.float32]

TYPES = type_names()
"""Types of artifact that the encoder is made aware of, in the order of the columns."""

N_CODES = 2048
"""Size of the code book of what masked frames are predicted as."""

_FIELD = 400
_CODE_WIDTH = 16


@dataclass(frozen=True, slots=True, eq=False)
class Speech:
    """Recordings [shape=(n,), int16, 16 kHz], and who speaks in each (engine and voice)."""

    recordings: list[npt.NDArray[np.int16]]
    voices: list[str]

    def split(self, share: float) -> tuple[Speech, Speech]:
        """Return the speech without some voices, and that of those: about a `share` of all voices."""
        names = self.names
        held = set(np.random.default_rng(1).permutation(names)[: max(1, round(share * len(names)))].tolist())
        return self._where([v not in held for v in self.voices]), self._where([v in held for v in self.voices])

    def _where(self, kept: list[bool]) -> Speech:
        both = [(r, v) for r, v, k in zip(self.recordings, self.voices, kept, strict=True) if k]
        return Speech([r for r, _ in both], [v for _, v in both])

    @property
    def names(self) -> list[str]:
        """The voices, each once, sorted."""
        return sorted(set(self.voices))

    @property
    def hours(self) -> float:
        """Hours of it."""
        return sum(map(len, self.recordings)) / SAMPLE_RATE / 3600


def load_speech(folder: Path, without: tuple[str, ...] = ()) -> Speech:
    """Return the speech of a folder made by ``make_speech.py``, without some engines."""
    entries = json.loads((folder / "speech.json").read_text(encoding="utf-8"))["audio"]
    entries = [entry for entry in entries if entry["engine"] not in without]
    recordings = [sf.read(folder / entry["filename"], dtype="int16")[0] for entry in entries]
    return Speech(recordings, [f"{entry['engine']}:{entry['voice']}" for entry in entries])


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Crops [shape=(b, n)], codes of their frames [shape=(b, t)], labels [shape=(b, t, n_types)], voices [shape=(b,)].

    A voice is its place among the sorted names of the speech.
    """

    samples: torch.Tensor
    codes: torch.Tensor
    labels: torch.Tensor
    voices: torch.Tensor


class Crops(Dataset[Batch]):
    """Batches by their number: the same number gives the same batch, so that training can be taken up anywhere.

    Parameters
    ----------
    speech : Speech
    crop_s : float
    batch_size : int
    injected : bool
        Whether artifacts are put in, into seven crops of ten.
    seed : int
    n_batches : int
    """

    def __init__(
        self, speech: Speech, *, crop_s: float, batch_size: int, injected: bool, seed: int, n_batches: int
    ) -> None:
        self._speech, self._n, self._batch_size = speech, int(crop_s * SAMPLE_RATE) // HOP * HOP, batch_size
        self._injected, self._seed, self._n_batches = injected, seed, n_batches
        lengths = np.array([len(r) for r in speech.recordings], np.float64)
        engines = [voice.partition(":")[0] for voice in speech.voices]
        # engines by the root of what there is of them: people are few, espeak's voices are many
        total = {
            engine: sum(n for n, e in zip(lengths, engines, strict=True) if e == engine) for engine in set(engines)
        }
        weights = lengths / np.sqrt([total[engine] for engine in engines])
        self._shares = np.cumsum(weights / weights.sum())
        self._by_voice: dict[str, list[int]] = {}
        for k, voice in enumerate(speech.voices):
            self._by_voice.setdefault(voice, []).append(k)
        self._voice_number = {voice: k for k, voice in enumerate(speech.names)}
        rng = np.random.default_rng(0)  # the code book never changes
        self._projection = rng.standard_normal((80, _CODE_WIDTH)).astype(np.float32)
        book = rng.standard_normal((_CODE_WIDTH, N_CODES)).astype(np.float32)
        self._book = book / np.linalg.norm(book, axis=0)

    def __len__(self) -> int:
        return self._n_batches

    def __getitem__(self, number: int) -> Batch:
        rng = np.random.default_rng([self._seed, number])
        crops = [self._crop(rng) for _ in range(self._batch_size)]
        return Batch(*(torch.from_numpy(np.stack(column)) for column in zip(*crops, strict=True)))

    def _crop(self, rng: np.random.Generator) -> tuple[FloatArray, npt.NDArray[np.int64], FloatArray, np.int64]:
        at = int(np.searchsorted(self._shares, rng.random()))
        clean = self._stretch(at, int(1.3 * self._n), rng)
        labels_of: tuple[Annotation, ...] = ()
        if self._injected:
            others = [self._stretch(int(rng.integers(len(self._shares))), 3 * SAMPLE_RATE, rng) for _ in range(3)]
            dirty = rng.random() < 0.7
            rate = float(rng.uniform(6, 25)) if dirty else 0.0
            made = inject(clean, rng, types=TYPES, per_minute=rate, benign_per_minute=8.0, others=others)
            clean, labels_of = made.samples, made.annotations()
        clean = np.pad(clean[: self._n], (0, max(0, self._n - len(clean))))
        heard = vary(clean, rng) if rng.random() < 0.6 else clean * np.float32(10 ** (rng.uniform(-15, 0) / 20))
        n_frames = (self._n - _FIELD) // HOP + 1
        targets = frame_targets(labels_of, TYPES, n_frames)
        voice = np.int64(self._voice_number[self._speech.voices[at]])
        return heard.astype(np.float32), self._codes(clean)[:n_frames], targets.labels, voice

    def _stretch(self, at: int, n: int, rng: np.random.Generator) -> FloatArray:
        """Return `n` samples of a recording, followed by others of the same voice where it is shorter."""
        recording = self._speech.recordings[at]
        if len(recording) > n:
            first = int(rng.integers(len(recording) - n))
            recording = recording[first : first + n]
        parts, length = [recording], len(recording)
        own = self._by_voice[self._speech.voices[at]]
        while length < n:
            parts.append(self._speech.recordings[own[int(rng.integers(len(own)))]][: n - length])
            length += len(parts[-1])
        return (np.concatenate(parts) / 32768).astype(np.float32)

    def _codes(self, samples: FloatArray) -> npt.NDArray[np.int64]:
        """Return the nearest entry of the code book for each frame of a random projection of log-mel energies [1]_.

        .. [1] C.-C. Chiu et al., "Self-supervised learning with random-projection quantizer for speech recognition",
           ICML 2022.
        """
        mel_db = log_mel(samples)
        mel_db = (mel_db - mel_db.mean(axis=0)) / (mel_db.std(axis=0) + 1.0)
        projected = torch.from_numpy(mel_db.astype(np.float32)) @ torch.from_numpy(self._projection[: mel_db.shape[1]])
        return (projected @ torch.from_numpy(self._book)).argmax(dim=1).numpy()
