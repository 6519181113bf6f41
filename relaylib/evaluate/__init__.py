"""How good detections are: event, segment and intersection metrics, PSDS, intervals, error lists, the report."""

from relaylib.evaluate.counts import EventCounts, event_counts
from relaylib.evaluate.fscore import FScores, f_scores
from relaylib.evaluate.intersection import intersection_counts
from relaylib.evaluate.matching import match_events
from relaylib.evaluate.psds import PSDS_1, PSDS_2, Psds, PsdsConfig, psds
from relaylib.evaluate.segments import segment_counts

__all__ = [
    "PSDS_1",
    "PSDS_2",
    "EventCounts",
    "FScores",
    "Psds",
    "PsdsConfig",
    "event_counts",
    "f_scores",
    "intersection_counts",
    "match_events",
    "psds",
    "segment_counts",
]
