/* The arithmetic of playing: which samples come next, and which sample is heard at a time.

A plan is {from, start, end, loop}: playing begins at `from`, runs to `end`, and begins again at `start` where `loop` is set. Progress
is counted in samples played since the beginning, so that a loop is a straight line too. */

/** Return the sample of the recording that is played after `played` samples, or `end` when the plan is over. */
export function sampleAt(plan, played) {
  const first = plan.end - plan.from;
  if (played < first) return plan.from + played;
  if (!plan.loop) return plan.end;
  return plan.start + ((played - first) % (plan.end - plan.start));
}

/** Return the next piece {start, end} in samples after `played`, inside one block, or null when the plan is over. */
export function nextPiece(plan, played, block) {
  const start = sampleAt(plan, played);
  if (start >= plan.end) return null;
  return { start, end: Math.min(plan.end, (Math.floor(start / block) + 1) * block) };
}

/** Return how many samples have been heard at `time` of the audio clock; the anchor says when how many were played. */
export function playedAt(anchor, time, speed, rate) {
  return anchor.played + Math.max(0, time - anchor.time) * rate * speed;
}

/** Return when on the audio clock sample number `played` of the plan sounds. */
export function timeOf(anchor, played, speed, rate) {
  return anchor.time + (played - anchor.played) / (rate * speed);
}
