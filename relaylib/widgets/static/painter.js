/* Paints the strip, the picture and the cursor, at most once in a frame of the screen. */

import { make, set } from "./dom.js";
import { drawOverview } from "./overview.js";
import { drawCursor, drawPicture } from "./picture.js";

const UNSEEN_MS = 200;
const FULL = 0.94;
const MOST_GAIN = 20;

/** `desk` is asked what there is to be seen, and told where the sound is while it plays. */
export class Painter {
  constructor(desk) {
    this.desk = desk;
    this.drawnAs = null;
    this.gain = 1;
    this.paints = 0;
    this.frame = null;
    this.overview = make("canvas", { class: "overview", "data-relay": "overview", role: "img", "aria-label": "The whole recording" });
    this.picture = make("canvas", { "data-relay": "picture", role: "img", "aria-label": "Waveform and spectrogram with spans" });
    this.above = make("canvas", { class: "above", "aria-hidden": "true" });
    this.stage = make("div", { class: "stage" }, this.picture, this.above);
    this.resized = new ResizeObserver(() => this.schedule());
    this.resized.observe(this.picture);
  }

  /** Turn to another recording, whose loudness is not known yet. */
  begin() {
    this.gain = 1;
  }

  schedule() {
    this.stale = true;
    this.nextFrame();
  }

  nextFrame() {
    this.frame ??= requestAnimationFrame(() => this.desk.guard(() => this.paint()));
  }

  paint() {
    this.frame = null;
    const { desk } = this;
    if (!this.picture.isConnected) return;
    if (this.picture.clientWidth === 0) {
      // Folded away, or the page is changing its style sheets: no observer tells of the end of the latter.
      clearTimeout(this.unseen);
      this.unseen = setTimeout(() => this.schedule(), UNSEEN_MS);
      return;
    }
    if (this.stale) this.paintAll(performance.now());
    const atMs = desk.playback.now();
    if (desk.playback.playing) {
      desk.follow(atMs);
      this.nextFrame();
    }
    drawCursor(this.above, desk.view, { atMs, beganMs: desk.beganMs, theme: desk.theme });
    set(this.picture, "data-cursor-ms", atMs.toFixed(1));
  }

  paintAll(now) {
    this.stale = false;
    const { picture, overview, gain } = this;
    const { recording, view, selected, colors, theme, pen } = this.desk;
    const scene = { view, marks: this.desk.marks(), selected, colors, theme, gain };
    this.drawnAs = drawPicture(picture, recording, { ...scene, drawn: pen.drawn });
    this.level(drawOverview(overview, recording, scene).peak);
    recording.tiles.flush(now);
    set(picture, "data-start-ms", view[0]);
    set(picture, "data-end-ms", view[1]);
    set(picture, "data-bands", JSON.stringify(this.drawnAs.bands));
    set(picture, "data-painted", this.drawnAs.whole ? "whole" : "coarse");
    set(picture, "data-paint-ms", (performance.now() - now).toFixed(1));
    set(picture, "data-paints", (this.paints += 1));
    set(overview, "data-duration-ms", recording.durationMs);
    if (this.drawnAs.whole) set(this.desk.root, "data-ready", "true");
  }

  /** Draw the waveform so high that its loudest place fills the room. */
  level(peak) {
    const wanted = peak > 0 ? Math.min(FULL / peak, MOST_GAIN) : 1;
    if (Math.abs(wanted / this.gain - 1) <= 0.02) return;
    this.gain = wanted;
    this.schedule();
  }

  close() {
    cancelAnimationFrame(this.frame);
    clearTimeout(this.unseen);
    this.resized.disconnect();
  }
}
