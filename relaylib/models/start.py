"""Where a classifier starts: anew, or from one of its kind that has learned from more speech."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from relaylib.errors import ParameterError
from relaylib.models.config import AUTO, TrainConfig
from relaylib.models.detector import Detector
from relaylib.models.encoder import Encoder
from relaylib.models.heads import Head, Member
from relaylib.models.ready import detector_metadata, detector_names

__all__ = ["Start", "find_start"]


@dataclass(frozen=True, slots=True, eq=False)
class Start:
    """A detector that is learned on from.

    Attributes
    ----------
    name : str
        What it is called.
    head : Head
        Its classifier.
    thresholds : dict of str to float
        Its types, in the order of the classifier's logits, and the logit from which each was reported when it was
        trained: what suits other speech and another budget, to which it may have been tuned since, says little here.
    """

    name: str
    head: Head
    thresholds: dict[str, float]

    @torch.no_grad()
    def give(self, head: Head, types: Sequence[str]) -> None:
        """Give the members of a fresh head the weights of these, in turn, and their standardisation.

        The last layer's weights for `types` that are unknown here stay as they are.
        """
        head.mean.copy_(self.head.mean)
        head.scale.copy_(self.head.scale)
        order = list(self.thresholds)
        known = [row for row, name in enumerate(types) if name in order]
        rows = torch.tensor(known, dtype=torch.long)
        theirs = torch.tensor([order.index(types[row]) for row in known], dtype=torch.long)
        for number, member in enumerate(head.members):
            assert isinstance(member, Member)
            weights = self.head.members[number % len(self.head.members)].state_dict()
            own = member.state_dict()
            for name in member.output_names:
                weights[name] = own[name].index_copy(0, rows, weights[name][theirs])
            member.load_state_dict(weights)


def find_start(config: TrainConfig, encoder: Encoder) -> Start | None:
    """Return what is learned on from, or None where a classifier begins anew.

    With ``config.start`` ``"auto"`` that is a detector that comes with the package, if one was made with this encoder
    and this kind of head.

    Raises
    ------
    ParameterError
        If `config` names a detector with another kind of head.
    ModelFormatError
        If it names none, or one that was made with another encoder.
    """
    name = _alike(config, encoder) if config.start == AUTO else config.start
    if name is None:
        return None
    detector = Detector.load(name, encoder=encoder)
    if detector.head_kind != config.head:
        raise ParameterError(
            f"start={name!r} has a {detector.head_kind!r} head, and head={config.head!r} is to be trained: "
            "name the same kind, or another detector."
        )
    usual = {kind: point.usual for kind, point in zip(detector.artifact_types, detector.points, strict=True)}
    return Start(Path(name).name, detector.head, usual)


def _alike(config: TrainConfig, encoder: Encoder) -> str | None:
    """Return the name of a detector of the package with this encoder and kind of head."""
    for name in detector_names():
        meta = detector_metadata(name)
        # the fingerprint last: of large weights it takes a while
        if (meta.head, meta.encoder.name, meta.encoder.dim) == (config.head, encoder.name, encoder.dim) and (
            meta.encoder.fingerprint == encoder.fingerprint
        ):
            return name
    return None
