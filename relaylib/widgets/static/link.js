/* The way to the kernel: what was sent, and whether it was heard. */

const SILENT_MS = 10000;
const SILENT = "The kernel has not answered for 10 s: it is busy, or gone. The last change is not saved.";

/** `silent` is called with a message when a change goes unheard for long, and with null when it is heard after all. */
export class Link {
  constructor(model, silent) {
    this.model = model;
    this.silent = silent;
    // What is heard is told to all views of an annotator: each goes by a name of its own.
    this.view = Math.random().toString(36).slice(2);
    this.sent = 0;
    this.changed = 0;
    this.known = 0;
    this.alarm = null;
    this.alarmed = false;
  }

  /** Whether the kernel has yet to hear of something that was done here. */
  get behind() {
    return this.sent > this.known;
  }

  /** Whether it has yet to hear of a change: until then nothing counts as saved. */
  get waiting() {
    return this.changed > this.known;
  }

  send(message) {
    this.model.send(message);
  }

  /** Send what the kernel says to have heard; return its number. */
  tell(message) {
    this.sent += 1;
    this.send({ ...message, view: this.view, number: this.sent });
    return this.sent;
  }

  /** Tell of what changes labels. */
  change(message) {
    clearTimeout(this.alarm);
    this.alarm = setTimeout(() => {
      this.alarmed = true;
      this.silent(SILENT);
    }, SILENT_MS);
    return (this.changed = this.tell(message));
  }

  /** Take it that the kernel has heard what a view told it; false when that was another view. */
  heard({ view, number }) {
    if (view !== this.view) return false;
    this.known = number;
    if (this.waiting) return true;
    clearTimeout(this.alarm);
    if (this.alarmed) this.silent(null);
    this.alarmed = false;
    return true;
  }

  close() {
    clearTimeout(this.alarm);
  }
}
