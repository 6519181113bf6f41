"""How good detections are: event, segment and intersection metrics, PSDS, intervals, error lists, the report."""
