"""What was found, file by file, and which file shows it best."""

from __future__ import annotations

from pathlib import PurePosixPath

from relaylib.cli.output import table
from relaylib.evaluate import Evaluation, Outcome
from relaylib.types import Detection

__all__ = ["findings_table", "most_telling"]

_RIGHT, _WRONG = 3, -1


def findings_table(evaluation: Evaluation) -> str:
    """Return a line per annotation and detection of the scored files, and one per file without either."""
    rows = []
    for item in evaluation.aligned.items:
        name = PurePosixPath(item.filename).name
        found = [outcome for outcome in evaluation.outcomes if outcome.filename == item.filename]
        rows += [_row(name if k == 0 else "", outcome) for k, outcome in enumerate(found)]
        if not found:
            rows.append((name, "", "", "-", "-", "clean"))
    return table(("file", "start ms", "end ms", "annotated", "detected", "outcome"), rows)


def _row(name: str, outcome: Outcome) -> tuple[str, ...]:
    detection = outcome.detection
    confidence = f" {detection.confidence:.2f}" if isinstance(detection, Detection) else ""
    return (
        name,
        str(outcome.start_ms),
        str(outcome.end_ms),
        outcome.reference.artifact_type if outcome.reference else "-",
        f"{detection.artifact_type}{confidence}" if detection else "-",
        outcome.kind.replace("_", " "),
    )


def most_telling(evaluation: Evaluation) -> str:
    """Return the name of the scored file to show: many types in it, most of them found.

    Each type found counts 3, each miss and each error -1; of equals the first is taken.
    """

    def worth(name: str) -> int:
        outcomes = [outcome for outcome in evaluation.outcomes if outcome.filename == name]
        hits = [outcome for outcome in outcomes if outcome.kind == "hit"]
        types = {outcome.artifact_type for outcome in hits}
        return _RIGHT * len(types) + _WRONG * (len(outcomes) - len(hits))

    return max((item.filename for item in evaluation.aligned.items), key=worth)
