"""How good detections are: event, segment and intersection metrics, PSDS, intervals, error lists, the report."""

from relaylib.evaluate.bootstrap import f_score_samples, interval, resample_sums
from relaylib.evaluate.calibration import expected_calibration_error, judged_confidences
from relaylib.evaluate.config import EvalConfig
from relaylib.evaluate.counts import EventCounts, event_counts
from relaylib.evaluate.curves import ThresholdCurve, curve_from_confidences, curve_from_scores
from relaylib.evaluate.evaluation import Evaluation, evaluate, list_errors
from relaylib.evaluate.false_alarms import FalseAlarms, false_alarms_per_hour
from relaylib.evaluate.fscore import FScores, f_scores
from relaylib.evaluate.intersection import intersection_counts
from relaylib.evaluate.matching import match_events
from relaylib.evaluate.outcomes import Outcome, file_outcomes, worst
from relaylib.evaluate.pairing import pair_files
from relaylib.evaluate.psd_roc import PSDS_1, PSDS_2, Psds, PsdsConfig, psds
from relaylib.evaluate.report import render_report, write_report
from relaylib.evaluate.segments import segment_counts

__all__ = [
    "PSDS_1",
    "PSDS_2",
    "EvalConfig",
    "Evaluation",
    "EventCounts",
    "FScores",
    "FalseAlarms",
    "Outcome",
    "Psds",
    "PsdsConfig",
    "ThresholdCurve",
    "curve_from_confidences",
    "curve_from_scores",
    "evaluate",
    "event_counts",
    "expected_calibration_error",
    "f_score_samples",
    "f_scores",
    "false_alarms_per_hour",
    "file_outcomes",
    "intersection_counts",
    "interval",
    "judged_confidences",
    "list_errors",
    "match_events",
    "pair_files",
    "psds",
    "render_report",
    "resample_sums",
    "segment_counts",
    "worst",
    "write_report",
]
