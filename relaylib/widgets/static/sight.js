/* What is in sight of the recording; other views of the same annotator, and the kernel, are told. */

import { clampView, panView } from "./view.js";

const SYNC_MS = 150;
const MARGIN = 0.02;

/** `desk` is asked for the sound, and painted anew when another part of it is shown. */
export class Sight {
  constructor(model, desk) {
    this.model = model;
    this.desk = desk;
    this.view = [0, 1];
    this.following = true;
    this.syncing = null;
  }

  /** Take over what the model says. */
  take() {
    const view = this.model.get("view_ms");
    const { durationMs } = this.desk;
    this.view = durationMs ? clampView(view, durationMs) : view;
  }

  show(view) {
    const { playback, durationMs } = this.desk;
    this.view = clampView(view, durationMs);
    this.following = !playback.playing || this.has(playback.now());
    this.desk.schedule();
    this.syncing ??= setTimeout(() => {
      this.syncing = null;
      this.model.set("view_ms", this.view);
      this.model.save_changes();
    }, SYNC_MS);
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
  }
}
