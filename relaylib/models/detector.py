"""The detector: an encoder, a head and an operating point, from audio to detections."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import torch

from relaylib.errors import EncoderNotAvailableError, ModelFormatError, RelayError
from relaylib.models import detector_file
from relaylib.models.config import TrainConfig
from relaylib.models.detector_meta import DetectorMeta, EncoderMeta, PointMeta
from relaylib.models.embedding import embed_stream
from relaylib.models.encoder import Encoder, load_encoder
from relaylib.models.golden import as_samples, golden_clip, tolerance
from relaylib.models.heads import Head, make_head
from relaylib.models.operating_point import OperatingPoint, apply_points
from relaylib.models.ready import detector_file_of
from relaylib.models.recording import AudioSource, Recording
from relaylib.models.scoring import stream_logits
from relaylib.postprocess import decode
from relaylib.types import DecodeConfig, Detection, Scores, samples_to_ms

__all__ = ["Detector"]


class Detector:
    """Finds artifacts in speech; made by :func:`relaylib.train` or :meth:`load`.

    It can be used by several threads at a time. To use it in several processes have them started by ``spawn``: once
    torch has computed, a process that is forked off waits for ever where it computes itself.

    Attributes
    ----------
    artifact_types : tuple of str
        The types it finds, in the order of the columns of its scores.
    encoder : Encoder
    head : Head
        Makes logits of embeddings, one of each type per frame; in eval mode.
    metrics : dict
        As measured on the validation part of its training, see :func:`relaylib.models.validation_metrics`.
    config : dict
        How it was trained: the fields of :class:`relaylib.TrainConfig`.
    head_kind : str
        ``linear``, ``mlp`` or ``conv``.
    points : tuple of OperatingPoint
        Where the logits of each type become detections.
    """

    def __init__(
        self,
        *,
        head: Head,
        encoder: Encoder,
        artifact_types: Sequence[str],
        points: Sequence[OperatingPoint],
        metrics: dict[str, Any],
        config: dict[str, Any],
        head_kind: str,
    ) -> None:
        self.encoder = encoder
        self.artifact_types = tuple(artifact_types)
        self.metrics = metrics
        self.config = config
        self.head = head.eval()
        self.head_kind = head_kind
        self.points = tuple(points)

    def __repr__(self) -> str:
        return f"Detector({', '.join(self.artifact_types)}; {self.head_kind} head on {self.encoder.name})"

    @classmethod
    def create(
        cls,
        *,
        head: Head,
        encoder: Encoder,
        artifact_types: Sequence[str],
        points: Sequence[OperatingPoint],
        metrics: dict[str, Any],
        config: TrainConfig,
    ) -> Detector:
        """Put together what training has made."""
        return cls(
            head=head,
            encoder=encoder,
            artifact_types=artifact_types,
            points=points,
            metrics=metrics,
            config=msgspec.json.decode(msgspec.json.encode(config)),  # as a file gives it back
            head_kind=config.head,
        )

    def at(self, points: Sequence[OperatingPoint], *, metrics: dict[str, Any]) -> Detector:
        """Return a detector that hears the same and reports it at other operating points."""
        return Detector(
            head=self.head,
            encoder=self.encoder,
            artifact_types=self.artifact_types,
            points=points,
            metrics=metrics,
            config=self.config,
            head_kind=self.head_kind,
        )

    @property
    def hop_ms(self) -> int:
        """Length of a frame."""
        return samples_to_ms(self.encoder.hop)

    @property
    def thresholds(self) -> dict[str, float]:
        """The classifier's logit from which each type is reported: its score is 0.5 there."""
        return {name: point.logit for name, point in zip(self.artifact_types, self.points, strict=True)}

    def score(self, source: AudioSource) -> Scores:
        """Return the frame scores of a recording, 0.5 being each type's tuned operating point.

        Parameters
        ----------
        source : str, PathLike, Waveform, np.ndarray or iterable of np.ndarray
            As in :func:`relaylib.embed`. Files are streamed: an hour needs no more memory than a minute,
            beside the scores themselves.

        Returns
        -------
        Scores [values: shape=(n_frames, n_types), float32, 0..1]
            With the levels of each ms, by which :func:`relaylib.decode` finds edges within frames.

        Raises
        ------
        AudioDecodeError
            If a file cannot be decoded.
        ParameterError
            If samples are not mono or no floats, hold NaN or infinity, or are too loud for the encoder.
        """
        recording = Recording(source, measured=True)
        logits = stream_logits(self.head, embed_stream(recording, self.encoder))
        if len(logits) == 0:
            logits = np.zeros((0, len(self.artifact_types)), np.float32)
        values = apply_points(logits, self.points)
        return Scores(values, self.artifact_types, recording.duration_ms, self.hop_ms, recording.levels)

    def detect(self, source: AudioSource, config: DecodeConfig | None = None) -> list[Detection]:
        """Return the detections in a recording, by start.

        Parameters
        ----------
        source
            As in :meth:`score`.
        config : DecodeConfig, optional
            Threshold (0.5 is the tuned operating point), merge window and minimum duration.

        Raises
        ------
        AudioDecodeError, ParameterError
            As :meth:`score`.
        """
        return decode(self.score(source), config)

    def save(self, path: str | Path) -> Path:
        """Write the detector to one ``.safetensors`` file, replacing it in one step; return its path.

        The file holds weights and JSON, no code. Equal detectors give equal bytes.

        Raises
        ------
        OSError
            If the file cannot be written.
        """
        clip = golden_clip()
        meta = DetectorMeta(
            artifact_types=list(self.artifact_types),
            encoder=EncoderMeta(
                name=self.encoder.name,
                layer=self.encoder.layer,
                fingerprint=self.encoder.fingerprint,
                dim=self.encoder.dim,
                n_layers=self.encoder.n_layers,
                hop=self.encoder.hop,
                precision=getattr(self.encoder, "precision", None),
            ),
            head=self.head_kind,
            n_members=len(self.head.members),
            points=[PointMeta(**asdict(point)) for point in self.points],
            decoding=asdict(DecodeConfig()),
            metrics=self.metrics,
            train_config=self.config,
        )
        golden = self.score(as_samples(clip)).values
        return detector_file.write(Path(path), meta, self.head.state_dict(), clip, golden)

    @classmethod
    def load(cls, path: str | Path, *, encoder: Encoder | None = None) -> Detector:
        """Read a detector and check that it still scores as it did when it was saved.

        Parameters
        ----------
        path : path or str
            A file that :meth:`save` wrote, or the name of a detector that comes with the package
            (:func:`relaylib.detector_names`).
        encoder : Encoder, optional
            The encoder to use; by default the one that the file names is loaded.

        Raises
        ------
        ModelFormatError
            If the file is no detector, is damaged, needs another encoder than the one at hand, or scores its
            golden clip differently.
        EncoderNotAvailableError
            If its encoder's weights are not on this machine.
        """
        path = detector_file_of(path)
        saved = detector_file.read(path)
        meta = saved.meta
        encoder = encoder or _load_encoder(path, meta.encoder)
        _check_encoder(path, meta.encoder, encoder)
        # without memory until the file's weights are known to fit: its metadata may promise anything
        with torch.device("meta"):
            head = make_head(
                meta.head,
                dim=meta.encoder.dim,
                n_types=len(meta.artifact_types),
                n_layers=meta.encoder.n_layers,
                n_members=meta.n_members,
            )
        detector_file.fill(path, head, saved.weights)
        detector = cls(
            head=head,
            encoder=encoder,
            artifact_types=meta.artifact_types,
            points=[OperatingPoint(**msgspec.structs.asdict(point)) for point in meta.points],
            metrics=meta.metrics,
            config=meta.train_config,
            head_kind=meta.head,
        )
        allowed = tolerance(meta.encoder.precision, getattr(encoder, "precision", None))
        _check_golden(path, detector, saved.golden_clip, saved.golden_scores, allowed)
        return detector


def _load_encoder(path: str | Path, wanted: EncoderMeta) -> Encoder:
    try:
        return load_encoder(wanted.name, layer=wanted.layer)
    except EncoderNotAvailableError as exc:
        layer = "" if wanted.layer is None else f", layer={wanted.layer!r}"
        raise EncoderNotAvailableError(
            f"{path} needs the encoder that it was trained on: {exc} If that lies elsewhere now, save the detector "
            f"anew with it: Detector.load({str(path)!r}, encoder=load_encoder('path/to/folder'{layer})).save(...)."
        ) from exc
    except (RelayError, OSError, RuntimeError, ValueError) as exc:
        raise ModelFormatError(f"{path} names encoder {wanted.name!r}, which cannot be used: {exc}") from exc


def _check_encoder(path: str | Path, wanted: EncoderMeta, encoder: Encoder) -> None:
    if encoder.fingerprint == wanted.fingerprint:
        if (encoder.dim, encoder.n_layers, encoder.hop) != (wanted.dim, wanted.n_layers, wanted.hop):
            raise ModelFormatError(f"{path}: its metadata describes encoder {wanted.name!r} wrongly; it is damaged.")
        return
    raise ModelFormatError(
        f"{path} was trained on encoder {wanted.name!r} with fingerprint {wanted.fingerprint[:12]}, but the "
        f"{encoder.name!r} at hand has {encoder.fingerprint[:12]}: its weights or settings differ. Bring the "
        "encoder of the training (same checkpoint, same library version), or train again with this one."
    )


def _check_golden(
    path: str | Path,
    detector: Detector,
    clip: npt.NDArray[np.int16],
    expected: npt.NDArray[np.float32],
    allowed: float,
) -> None:
    values = detector.score(as_samples(clip)).values
    if values.shape == expected.shape and np.abs(values - expected).max(initial=0.0) <= allowed:
        return
    worst = f"by up to {np.abs(values - expected).max():.3f}" if values.shape == expected.shape else "in shape"
    raise ModelFormatError(
        f"{path} scores its golden clip differently {worst} (allowed: {allowed}): a library underneath changed "
        "what it computes. Use the versions it was trained with, or train again."
    )
