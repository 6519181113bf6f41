/* The way to the kernel: what was sent, and whether it was heard. */

const SILENT_MS = 10000;
const SILENT = "The kernel has not answered for 10 s: it is busy, or gone. The last change is not saved.";
export const LOST = "The kernel that showed this is gone: what is done here from now on is not saved. Run the cell again.";

/** `silent` is called with a message when a change goes unheard for long or the kernel is gone, and with null when it is heard after all. */
export class Link {
  constructor(model, silent) {
    this.model = model;
    this.silent = silent;
    // What is heard is told to all views of an annotator: each goes by a name of its own.
    this.view = Math.random().toString(36).slice(2);
    this.sent = 0;
    this.changed = 0;
    this.known = 0;
    this.opening = { index: null, number: 0 };
    this.alarm = null;
    this.alarmed = false;
    this.lost = false;
    this.parted = () => this.lose();
    model.on("comm_live_update", this.parted);
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
    try {
      this.model.send(message);
    } catch {
      this.lose();
    }
  }

  /** Say that there is no way to the kernel any more, as after its restart. */
  lose() {
    clearTimeout(this.alarm);
    this.lost = true;
    this.silent(LOST);
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

  /** Have a recording opened. */
  open(index) {
    this.opening = { index, number: this.tell({ kind: "open", index }) };
  }

  /** Which recording is on its way to the screen, or null. */
  get awaited() {
    const { index, number } = this.opening;
    return number > this.known && index !== this.model.get("current") ? index : null;
  }

  /** Take it that the kernel has heard what a view told it; false when that was another view. */
  heard({ view, number }) {
    if (view !== this.view) return false;
    this.known = number;
    if (this.waiting) return true;
    clearTimeout(this.alarm);
    if (this.alarmed || this.lost) this.silent(null);
    this.alarmed = this.lost = false;
    return true;
  }

  close() {
    clearTimeout(this.alarm);
    this.model.off("comm_live_update", this.parted);
  }
}
