"""Fine detail, a transformer that knows artifacts and voices, and what a classifier makes of both."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np

from relaylib.models.detector import Detector
from relaylib.models.fast.precision import AskedPrecision
from relaylib.models.fingerprint import fingerprint
from relaylib.models.fused import FusedEncoder
from relaylib.models.scoring import stream_logits
from relaylib.models.spectral import SpectralEncoder
from relaylib.models.speech.derived import DerivedEncoder, FloatArray
from relaylib.models.speech.summary import SummaryEncoder
from relaylib.models.stacked import stacked

__all__ = ["CHECKPOINT", "JUDGE", "SpeechEncoder", "heard"]

CHECKPOINT: Final = Path(__file__).parent / "speech-small"
"""The transformer: a checkpoint like those of the Hugging Face hub, which :func:`relaylib.load_encoder` reads too."""

JUDGE: Final = Path(__file__).parent / "judge.safetensors"
"""The classifier: a detector of the types that :func:`relaylib.inject.type_names` lists, trained on :func:`heard`."""

_REVISION: Final = "speech-small/2"
"""Goes into the fingerprint: raise it whenever the way from rows to columns changes."""


def heard(*, device: str = "cpu", precision: AskedPrecision = "fp32") -> FusedEncoder:
    """Return what the classifier hears: fine detail beside what the transformer says."""
    fine = SpectralEncoder()
    return FusedEncoder([fine, SummaryEncoder(CHECKPOINT, device=device, precision=precision, context=fine.context)])


class SpeechEncoder(DerivedEncoder[FusedEncoder]):
    """Embeddings made for artifacts: what can be heard in a frame, and how likely each known artifact is there.

    The features of ``spectral``, which see what happens within milliseconds, stand beside the logits of a classifier.
    That was trained on hours of artifacts that a program put in, sees 1.3 s to each side, and hears those features and
    a small wav2vec 2.0 model, which knows voices. A head that is trained on top begins where the classifier ends: it
    needs labels only for what is particular to one's own speech.

    What the transformer says goes to the classifier alone. Given to a head with minutes of labels, it teaches which
    voices break in, and not that they are foreign.

    The weights come with the package. ``README.md`` beside them says what they were trained on.

    Parameters
    ----------
    device : str
        Where the transformer runs.
    precision : "auto", "bf16", "fp32" or "reference"
        As of :class:`~relaylib.models.pretrained.PretrainedEncoder`. In float32 every processor gives the same;
        bfloat16 is a little faster.

    Raises
    ------
    EncoderNotAvailableError, ModelFormatError
        If the weights in the package are damaged.
    """

    name: Final = "speech-small"

    def __init__(self, *, device: str = "cpu", precision: AskedPrecision = "fp32") -> None:
        source = heard(device=device, precision=precision)
        self._judge = Detector.load(JUDGE, encoder=source)
        self._classify = stacked(self._judge.head)
        self._n_fine = source.parts[0].dim
        super().__init__(source, self._n_fine + len(self._judge.artifact_types))

    @cached_property
    def fingerprint(self) -> str:
        """Hex SHA-256 over all parts and weights."""
        weights = ((name, values.numpy()) for name, values in self._judge.head.state_dict().items())
        return fingerprint({"heard": self._source.fingerprint, "revision": _REVISION}, weights)

    def _columns(self, rows: FloatArray, wanted: slice) -> FloatArray:
        head = self._judge.head
        start, stop, _ = wanted.indices(len(rows))
        heard_from = slice(max(0, start - head.halo), stop + head.halo)
        columns = np.zeros((len(rows), self.dim), np.float32)
        columns[:, : self._n_fine] = rows[:, : self._n_fine]
        columns[heard_from, self._n_fine :] = stream_logits(head, [rows[heard_from]], classify=self._classify)
        return columns
