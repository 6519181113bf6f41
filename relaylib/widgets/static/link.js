/* The way to the kernel: what was sent, and whether it was heard. */

const SILENT_MS = 10000;
const SILENT = "The kernel has not answered for 10 s: it is busy, or gone. The last change is not saved.";

/** `silent` is called with a message when a change goes unheard for long, and with null when it is heard after all. */
export class Link {
  constructor(model, silent) {
    this.model = model;
    this.silent = silent;
    this.waiting = 0;
    this.alarm = null;
    this.alarmed = false;
  }

  send(message) {
    this.model.send(message);
  }

  /** Send what changes labels: until the kernel says that it has heard it, nothing counts as saved. */
  change(message) {
    this.waiting += 1;
    clearTimeout(this.alarm);
    this.alarm = setTimeout(() => {
      this.alarmed = true;
      this.silent(SILENT);
    }, SILENT_MS);
    this.send(message);
  }

  /** Take it that the kernel has heard one change. */
  heard() {
    this.waiting = Math.max(0, this.waiting - 1);
    if (this.waiting > 0) return;
    clearTimeout(this.alarm);
    if (this.alarmed) this.silent(null);
    this.alarmed = false;
  }

  close() {
    clearTimeout(this.alarm);
  }
}
