/* Snapping: the kernel is asked for an edge near each end of a mark, and the mark is changed when both are known. */

/** `send` asks; `edit` changes a mark. */
export class Snapper {
  constructor(send, edit) {
    this.send = send;
    this.edit = edit;
    this.pending = new Map();
    this.requests = 0;
  }

  snap(mark) {
    const request = (this.requests += 2);
    this.pending.set(request, { id: mark.id, ends: {} });
    this.send({ kind: "snap", request, ms: mark.start_ms });
    this.send({ kind: "snap", request: request + 1, ms: mark.end_ms });
  }

  take({ request, ms }) {
    const isEnd = request % 2 === 1;
    const asked = this.pending.get(isEnd ? request - 1 : request);
    if (!asked) return;
    const { id, ends } = asked;
    ends[isEnd ? "end_ms" : "start_ms"] = ms;
    if (ends.start_ms === undefined || ends.end_ms === undefined) return;
    this.pending.delete(request - (isEnd ? 1 : 0));
    if (ends.start_ms < ends.end_ms) this.edit({ do: "change", id, ...ends });
  }
}
