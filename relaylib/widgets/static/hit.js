/* What lies under the pointer, and where a drag takes a mark. */

import { xAt } from "./view.js";

const REACH = 5;
const THINNEST = 4;

/** Return the pixels [left, right] that a mark covers; a very short one is widened so that it can be seen. */
export function extent(mark, view, width) {
  const left = xAt(view, width, mark.start_ms);
  const right = xAt(view, width, mark.end_ms);
  if (right - left >= THINNEST) return [left, right];
  const middle = (left + right) / 2;
  return [middle - THINNEST / 2, middle + THINNEST / 2];
}

function partAt(mark, x, view, width) {
  const [left, right] = extent(mark, view, width);
  const inside = Math.min(REACH, (right - left) / 4);
  if (x >= left - REACH && x <= left + inside) return { part: "start", distance: Math.abs(x - left) };
  if (x <= right + REACH && x >= right - inside) return { part: "end", distance: Math.abs(x - right) };
  if (x > left && x < right) return { part: "body", distance: right - left };
  return null;
}

/** Return {mark, part: "start" | "end" | "body"} under the pixel x, or null.

The selected mark comes first, then the nearest edge, then the shortest body. `lane` leaves out marks of other lanes. */
export function hit(marks, x, { view, width, selected = null, lane = null }) {
  let best = null;
  for (const mark of marks) {
    if (lane !== null && mark.lane !== lane) continue;
    const found = partAt(mark, x, view, width);
    if (!found) continue;
    const rank = (mark.id === selected ? 0 : 2) + (found.part === "body" ? 1 : 0);
    if (!best || rank < best.rank || (rank === best.rank && found.distance < best.distance)) {
      best = { mark, part: found.part, rank, distance: found.distance };
    }
  }
  return best && { mark: best.mark, part: best.part };
}

/** Return {start_ms, end_ms} in whole ms after a drag of `byMs` at `part`; edges do not cross, bodies keep their length. */
export function dragged({ start_ms, end_ms }, part, byMs, durationMs) {
  const by = Math.round(byMs);
  if (part === "start") return { start_ms: Math.min(Math.max(start_ms + by, 0), end_ms - 1), end_ms };
  if (part === "end") return { start_ms, end_ms: Math.max(Math.min(end_ms + by, durationMs), start_ms + 1) };
  const moved = Math.min(Math.max(by, -start_ms), durationMs - end_ms);
  return { start_ms: start_ms + moved, end_ms: end_ms + moved };
}

/** Return the span in whole ms between two times, inside of the recording, or null when it is empty. */
export function spanBetween(oneMs, otherMs, durationMs) {
  const start_ms = Math.max(0, Math.round(Math.min(oneMs, otherMs)));
  const end_ms = Math.min(durationMs, Math.round(Math.max(oneMs, otherMs)));
  return end_ms > start_ms ? { start_ms, end_ms } : null;
}
