/* What the person looks at: what is in sight, and which mark is selected. The kernel is told, and tells other views. */

import { clampView, panView } from "./view.js";

const SYNC_MS = 150;
const MARGIN = 0.02;

/** `desk` is asked for the sound, and shows what is looked at. */
export class Sight {
  constructor(model, desk) {
    this.model = model;
    this.desk = desk;
    this.view = [0, 1];
    this.selected = null;
    this.following = true;
    this.syncing = null;
  }

  /** Take over what the model says of another recording. */
  begin() {
    this.close();
    const view = this.model.get("view_ms");
    const { durationMs } = this.desk;
    this.view = durationMs ? clampView(view, durationMs) : view;
    this.selected = this.model.get("selected");
  }

  /** Take over what the model says, unless the kernel has yet to hear of what was done here: it says what was before. */
  take() {
    if (this.syncing === null && !this.desk.link.behind) this.begin();
  }

  select(id) {
    if (id === this.selected) return;
    this.selected = id;
    this.tell({ selected: id });
    this.desk.refresh();
  }

  show(view) {
    const { playback, durationMs } = this.desk;
    this.view = clampView(view, durationMs);
    this.following = !playback.playing || this.has(playback.now());
    this.desk.schedule();
    this.syncing ??= setTimeout(() => {
      this.syncing = null;
      this.tell({ view_ms: this.view });
    }, SYNC_MS);
  }

  /** As a message: what is synced may be held back, and would then come too late, or for another recording. */
  tell(seen) {
    this.desk.link.tell({ kind: "look", sound: this.desk.recording.id, ...seen });
  }

  /** Say whether a time is in sight. */
  has(ms) {
    return ms >= this.view[0] && ms <= this.view[1];
  }

  /** Keep a sound that plays in sight, unless the person has gone to look elsewhere. */
  follow(atMs) {
    const [start, end] = this.view;
    if (this.has(atMs)) this.following = true;
    else if (this.following) this.show(panView(this.view, atMs - start - MARGIN * (end - start), this.desk.durationMs));
  }

  close() {
    clearTimeout(this.syncing);
    this.syncing = null;
  }
}
