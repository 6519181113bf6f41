"""Train on the demo's speech, detect in voices that training has not heard, evaluate, write it all down."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from relaylib import audio
from relaylib.cli.output import stages
from relaylib.demo.findings import findings_table, most_telling
from relaylib.demo.speech import DemoSpeech, load_demo
from relaylib.evaluate import Evaluation, evaluate, write_report
from relaylib.formats import write_detections
from relaylib.models import Detector, TrainConfig, TrainProgress, map_recordings, train
from relaylib.plot import plot_detections
from relaylib.postprocess import decode
from relaylib.types import FileResult, Scores

__all__ = ["DemoResult", "run"]

_Show = Callable[[str, int, int, str], None]


@dataclass(frozen=True, slots=True, eq=False)
class DemoResult:
    """What the demo made: values, and the files that hold them.

    `scores` are by file name, as `results` and the manifests of `speech` have it; `pictured` names the file in
    the picture.
    """

    speech: DemoSpeech
    detector: Detector
    scores: Mapping[str, Scores]
    results: tuple[FileResult, ...]
    evaluation: Evaluation
    pictured: str
    detector_path: Path
    detections_path: Path
    report_path: Path
    picture_path: Path

    def text(self) -> str:
        """Return what was found in each file, and the evaluation, as plain text."""
        return f"{findings_table(self.evaluation)}\n\n{self.evaluation.table()}"

    def to_dict(self) -> dict[str, Any]:
        """Return the figures and the paths as plain values for JSON."""
        return {
            "detector": str(self.detector_path),
            "detections": str(self.detections_path),
            "report": str(self.report_path),
            "picture": str(self.picture_path),
            "pictured_file": self.pictured,
            "metrics": self.evaluation.to_dict(),
        }


def run(out_dir: str | PathLike[str], *, seed: int = 0, progress: bool | None = None) -> DemoResult:
    """Do the main job once, end to end, with the default encoder and the default settings.

    Parameters
    ----------
    out_dir : path
        Gets ``detector.safetensors``, ``detections.json``, ``report.html`` and ``picture.png``; made if absent.
    seed : int
        Seed of the training.
    progress : bool, optional
        Whether to show progress bars on stderr; left out, they show on a terminal.

    Returns
    -------
    DemoResult
    """
    speech, out = load_demo(), Path(out_dir)
    out.mkdir(parents=True, exist_ok=True)
    with stages(progress) as show:
        detector = _train(speech, seed, show)
        scores = _score(speech, detector, show)
    results = tuple(FileResult(name, s.duration_ms, "completed", tuple(decode(s))) for name, s in scores.items())
    evaluation = evaluate(speech.test, results, scores=scores)
    pictured = most_telling(evaluation)
    detector_path, detections_path = detector.save(out / "detector.safetensors"), out / "detections.json"
    write_detections(results, detections_path)
    report_path = write_report(
        out / "report.html", evaluation, speech.test, results, audio_root=speech.audio_root, scores=scores
    )
    picture_path = _picture(out / "picture.png", speech, pictured, scores[pictured])
    return DemoResult(
        speech,
        detector,
        scores,
        results,
        evaluation,
        pictured,
        detector_path,
        detections_path,
        report_path,
        picture_path,
    )


def _train(speech: DemoSpeech, seed: int, show: _Show) -> Detector:
    def report(state: TrainProgress) -> None:
        remark = "" if state.validation_f1 is None else f"validation F1 {state.validation_f1:.2f}"
        show(state.stage, state.done, state.total, remark)

    return train(speech.train, config=TrainConfig(seed=seed), audio_root=speech.audio_root, progress=report)


def _score(speech: DemoSpeech, detector: Detector, show: _Show) -> dict[str, Scores]:
    scores: dict[str, Scores] = {}
    names = [item.filename for item in speech.test]
    scored = map_recordings(lambda name: detector.score(speech.audio_root / name), names, detector.encoder)
    for name, found in zip(names, scored, strict=True):
        scores[name] = found
        show("detecting", len(scores), len(speech.test), "")
    return scores


def _picture(path: Path, speech: DemoSpeech, name: str, scores: Scores) -> Path:
    item = next(item for item in speech.test if item.filename == name)
    figure = plot_detections(
        audio.load(speech.audio_root / name),
        reference=item.annotations,
        detections=decode(scores),
        scores=scores,
        colors={type_.name: type_.color for type_ in speech.test.artifact_types},
        title=Path(name).name,
    )
    figure.savefig(path, dpi=130)
    return path
