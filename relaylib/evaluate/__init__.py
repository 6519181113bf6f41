"""How good detections are: event, segment and intersection metrics, PSDS, intervals, error lists, the report."""

from relaylib.evaluate.counts import EventCounts, event_counts
from relaylib.evaluate.fscore import FScores, f_scores
from relaylib.evaluate.matching import match_events

__all__ = ["EventCounts", "FScores", "event_counts", "f_scores", "match_events"]
