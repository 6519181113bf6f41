/* Snapping: the kernel is asked for an edge near each end of a mark, and the mark is changed when both are known. */

/** Return the ends that a mark takes, of those found: where both found the same edge, only the nearer end takes it. */
export function takenEnds(mark, { start_ms, end_ms }) {
  if (start_ms < end_ms) return { start_ms, end_ms };
  const [starts, ends] = [Math.abs(start_ms - mark.start_ms), Math.abs(end_ms - mark.end_ms)];
  if (starts <= ends) return start_ms < mark.end_ms ? { start_ms } : {};
  return end_ms > mark.start_ms ? { end_ms } : {};
}

/** `send` asks; `edit` changes a mark of a sound. */
export class Snapper {
  constructor(send, edit) {
    this.send = send;
    this.edit = edit;
    this.pending = new Map();
    // Answers go to all views of an annotator: each counts from a number of its own.
    this.requests = 2 * Math.floor(Math.random() * 2 ** 40);
  }

  snap(mark, sound) {
    const request = (this.requests += 2);
    this.pending.set(request, { mark, sound, found: {} });
    this.send({ kind: "snap", sound, request, ms: mark.start_ms });
    this.send({ kind: "snap", sound, request: request + 1, ms: mark.end_ms });
  }

  take({ request, ms }) {
    const isEnd = request % 2 === 1;
    const asked = this.pending.get(isEnd ? request - 1 : request);
    if (!asked) return;
    const { mark, sound, found } = asked;
    found[isEnd ? "end_ms" : "start_ms"] = ms;
    if (found.start_ms === undefined || found.end_ms === undefined) return;
    this.pending.delete(request - (isEnd ? 1 : 0));
    this.edit({ do: "change", id: mark.id, ...takenEnds(mark, found) }, sound);
  }
}
