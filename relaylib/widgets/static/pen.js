/* Draws spans and drags them: seen at once where the pointer takes them, sent when it is let go. */

const UNHEARD_MS = 2000;
const NO_TYPE = "There is no artifact type to draw with: give annotate(..., artifact_types=[...]).";

/** `edit` sends an edit and returns its number, `drew` is called with the id of a mark that was drawn, `changed` when what
is seen differs, `failed` with a message.

Until the kernel has given a mark its id, it goes by the number of the edit that drew it, below 0. */
export class Pen {
  constructor({ edit, drew, changed, failed }) {
    this.edit = edit;
    this.drew = drew;
    this.changed = changed;
    this.failed = failed;
    this.types = [];
    this.type = null;
    this.preview = null;
    this.timer = null;
    this.unheard = [];
  }

  /** Forget everything: another recording has come. */
  begin() {
    this.unheard = [];
    this.lift();
  }

  /** Take the artifact types that there are; the next span gets the same as before, or the first. */
  take(types) {
    this.types = types;
    if (!types.some(({ name }) => name === this.type)) this.type = types[0]?.name ?? null;
  }

  /** The span that is being drawn, with its colour, or null. */
  get drawn() {
    return this.preview?.id === undefined ? this.preview : null;
  }

  /** Return the marks, with the dragged one where it is dragged to. */
  over(marks) {
    const { preview } = this;
    return preview?.id === undefined ? marks : marks.map((mark) => (mark.id === preview.id ? { ...mark, ...preview } : mark));
  }

  /** Have a mark seen elsewhere. */
  move(mark, times) {
    this.show({ id: mark.id, ...times });
  }

  /** Have a span seen that is being drawn; null for one of no length. */
  sketch(span) {
    this.show(span && { ...span, color: this.types.find(({ name }) => name === this.type)?.color ?? "#888888" });
  }

  /** Forget what is being dragged. */
  lift() {
    this.show(null);
  }

  show(preview) {
    clearTimeout(this.timer);
    this.timer = null;
    this.preview = preview;
    this.changed();
  }

  /** Send what was dragged; it is seen until the kernel has answered, or for a while. */
  settle() {
    const { preview } = this;
    if (!preview) return;
    if (preview.id === undefined) this.draw(preview);
    else this.edit({ do: "change", ...preview });
    this.timer = setTimeout(() => this.lift(), UNHEARD_MS);
  }

  /** Forget what was sent, for the kernel has answered; what the pointer still holds is kept, whatever is answered meanwhile. */
  answered() {
    if (this.timer !== null) this.lift();
  }

  /** Mark a span with the type that is chosen. */
  draw({ start_ms, end_ms }) {
    if (this.type === null) {
      this.failed(NO_TYPE);
      return;
    }
    const mark = { start_ms, end_ms, artifact_type: this.type };
    const id = -this.edit({ do: "draw", ...mark });
    this.unheard.push({ id, ...mark, confidence: 1, state: "annotation", extra_data: null });
    this.drew(id);
  }

  /** Take it that the kernel has heard a message: what it drew is among the marks. */
  heard(number) {
    this.unheard = this.unheard.filter(({ id }) => id !== -number);
  }

  close() {
    clearTimeout(this.timer);
  }
}
