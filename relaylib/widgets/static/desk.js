/* One display of an annotator: its state between the model, which the kernel shares, and the elements. */

import { makeActions } from "./actions.js";
import { button, make, set, write } from "./dom.js";
import { makeBar } from "./bar.js";
import { makeHelp } from "./help.js";
import { makeInspector } from "./inspector.js";
import { actionOf } from "./keys.js";
import { Link } from "./link.js";
import { makeList } from "./list.js";
import { drawOverview } from "./overview.js";
import { drawCursor, drawPicture } from "./picture.js";
import { Playback } from "./playback.js";
import { listenToOverview, listenToPicture } from "./pointer.js";
import { makeQueue } from "./queue.js";
import { Recording } from "./recording.js";
import { themeOf, watchTheme } from "./theme.js";
import { Snapper } from "./snapper.js";
import { makeTypes } from "./types.js";
import { clampView, panView, reveal } from "./view.js";

const HINT = "Drag on the picture to draw a span. Press ? for all keys.";
const SHARED = ["artifact_types", "marks", "sound", "files", "current", "shown", "file_filter", "history", "saved", "can_publish", "selected",
  "view_ms", "theme", "height"];
const SYNC_VIEW_MS = 150;
const UNSEEN_MS = 200;
const PREVIEW_MS = 2000;
const SAVING = { state: "saving", message: "" };

export class Desk {
  constructor(model, el) {
    this.model = model;
    this.currentType = null;
    this.beganMs = null;
    this.preview = null;
    this.drawnAs = null;
    this.gain = 1;
    this.paints = 0;
    this.link = new Link(model, (message) => this.fail(message));
    this.snapper = new Snapper((message) => this.link.send(message), (edit) => this.edit(edit));
    this.actions = makeActions(this);
    this.playback = new Playback(() => this.refresh(), (message) => this.fail(message));
    this.build(el);
    this.takeSound();
    this.connect();
    this.refresh();
  }

  build(el) {
    const act = (action) => this.act(action);
    this.bar = makeBar(act);
    this.types = makeTypes((index) => this.chooseType(index));
    this.inspector = makeInspector((edit) => this.edit(edit), act);
    this.list = makeList((id) => this.pick(id), () => this.refresh());
    this.queue = makeQueue({
      open: (index) => this.link.send({ kind: "open", index }),
      mark: (index, done) => this.link.change({ kind: "done", index, done }),
      filter: (filter) => this.link.send({ kind: "filter", filter }),
      act,
    });
    this.help = makeHelp();
    this.name = make("div", { class: "name" });
    this.overview = make("canvas", { class: "overview", "data-relay": "overview", role: "img", "aria-label": "The whole recording" });
    this.picture = make("canvas", { "data-relay": "picture", role: "img", "aria-label": "Waveform and spectrogram with spans" });
    this.above = make("canvas", { class: "above", "aria-hidden": "true" });
    this.message = make("span", {});
    this.reload = button("reload", "Take over what is kept; undo brings yours back", "Reload", () => act("reload"));
    this.error = make("div", { class: "error", "data-relay": "error", role: "alert", hidden: true }, this.message,
      make("span", { class: "group" }, this.reload, button("dismiss", "Dismiss", "×", () => this.fail(null))));
    const stage = make("div", { class: "stage" }, this.picture, this.above);
    const main = make("div", { class: "main" }, this.name, this.overview, stage, this.types.element, this.inspector.element);
    const side = make("div", { class: "side" }, this.list.element, this.queue.element);
    this.root = make("div", { class: "relay-annotator", "data-relay": "annotator", tabindex: 0, role: "application",
      "aria-label": "Annotator", "data-lm-suppress-shortcuts": "true", keydown: (event) => this.key(event) },
    this.bar.element, this.error, make("div", { class: "body" }, main, side), this.help.element);
    el.append(this.root);
  }

  connect() {
    const { model, root } = this;
    this.custom = (message, buffers) => this.guard(() => this.hear(message, buffers ?? []));
    this.changes = SHARED.map((name) => [`change:${name}`, () => this.guard(() => this.changed(name))]);
    for (const [event, call] of this.changes) model.on(event, call);
    model.on("msg:custom", this.custom);
    root.addEventListener("pointerdown", (event) => {
      if (!event.target.closest("input, select, textarea")) root.focus({ preventScroll: true });
    });
    // The notebook would take the focus back, and move its own selection.
    for (const type of ["mousedown", "keyup", "keypress"]) root.addEventListener(type, (event) => event.stopPropagation());
    listenToPicture(this.picture, this);
    listenToOverview(this.overview, this);
    this.resized = new ResizeObserver(() => this.schedule());
    this.resized.observe(this.picture);
    this.unwatch = watchTheme(() => this.refresh());
  }

  close() {
    for (const [event, call] of this.changes) this.model.off(event, call);
    this.model.off("msg:custom", this.custom);
    cancelAnimationFrame(this.frame);
    clearTimeout(this.unseen);
    clearTimeout(this.syncing);
    clearTimeout(this.previewing);
    this.link.close();
    this.resized.disconnect();
    this.unwatch();
    this.bar.close();
    this.playback.close();
  }

  /** Do something; what goes wrong in the view itself is shown too, not only in the browser's console. */
  guard(call) {
    try {
      return call();
    } catch (error) {
      this.fail(`The view has failed: ${error.message}`);
      throw error;
    }
  }

  // What the model says

  get durationMs() {
    return this.recording.durationMs;
  }

  get selected() {
    return this.model.get("selected");
  }

  /** Return the marks, with what is being dragged where it is dragged to. */
  marks() {
    const marks = this.model.get("marks");
    const { preview } = this;
    return preview?.id === undefined ? marks : marks.map((mark) => (mark.id === preview.id ? { ...mark, ...preview } : mark));
  }

  selectedMark() {
    return this.model.get("marks").find((mark) => mark.id === this.selected) ?? null;
  }

  get colors() {
    return new Map(this.model.get("artifact_types").map(({ name, color }) => [name, color]));
  }

  takeSound() {
    const sound = this.model.get("sound");
    if (this.recording?.id === sound.id) {
      this.recording.update(sound);
      return;
    }
    this.recording = new Recording(sound, (message) => this.link.send(message), () => {
      this.playback.player.fill();
      this.schedule();
    });
    this.playback.load(this.recording);
    this.takeView();
    this.beganMs = null;
    this.preview = null;
    this.gain = 1;
  }

  changed(name) {
    // The attributes of one message are all there before the first of them is told of.
    this.takeSound();
    if (name === "marks") this.preview = null;
    if (name === "view_ms") this.takeView();
    this.refresh();
  }

  takeView() {
    const view = this.model.get("view_ms");
    this.view = this.durationMs ? clampView(view, this.durationMs) : view;
  }

  hear(message, buffers) {
    if (message.kind === "tile" || message.kind === "pcm") this.recording.take(message, buffers);
    else if (message.kind === "snap") this.snapper.take(message);
    else if (message.kind === "error") {
      this.preview = null;
      this.fail(message.message);
    } else if (message.kind === "heard") {
      this.link.heard();
      this.showBar();
    }
  }

  fail(message) {
    write(this.message, message ?? "");
    this.error.hidden = !message;
    this.schedule();
  }

  // What the person does

  edit(edit) {
    this.fail(null);
    this.link.change({ kind: "edit", edit });
    this.showBar();
  }

  select(id) {
    if (id === this.selected) return;
    this.model.set("selected", id);
    this.model.save_changes();
  }

  pick(id) {
    this.root.focus({ preventScroll: true });
    this.lookAt(this.model.get("marks").find((mark) => mark.id === id));
    this.act("play-selection");
  }

  seek(ms) {
    this.playback.seek(ms);
  }

  show(view) {
    this.view = clampView(view, this.durationMs);
    this.schedule();
    this.syncing ??= setTimeout(() => {
      this.syncing = null;
      this.model.set("view_ms", this.view);
      this.model.save_changes();
    }, SYNC_VIEW_MS);
  }

  chooseType(index) {
    const type = this.model.get("artifact_types")[index];
    if (!type) return;
    this.currentType = type.name;
    const mark = this.selectedMark();
    if (mark && mark.artifact_type !== type.name) this.edit({ do: "change", id: mark.id, artifact_type: type.name });
    this.refresh();
  }

  previewMark(mark, times) {
    this.preview = { id: mark.id, ...times };
    this.select(mark.id);
    this.schedule();
  }

  previewDraw(span) {
    this.preview = span && { ...span, color: this.colors.get(this.currentType) ?? "#888888" };
    this.schedule();
  }

  /** End a drag: send what it did; the preview stays until the kernel has answered. */
  settle(finished) {
    const { preview } = this;
    if (!finished || !preview) this.preview = null;
    else if (preview.id === undefined) this.draw(preview);
    else this.edit({ do: "change", ...preview });
    clearTimeout(this.previewing);
    this.previewing = setTimeout(() => {
      this.preview = null;
      this.schedule();
    }, PREVIEW_MS);
    this.schedule();
  }

  draw({ start_ms, end_ms }) {
    if (this.currentType === null) this.fail("There is no artifact type to draw with: give annotate(..., artifact_types=[...]).");
    else this.edit({ do: "draw", start_ms, end_ms, artifact_type: this.currentType });
  }

  /** Select a mark and bring it into sight. */
  lookAt(mark) {
    this.select(mark.id);
    this.show(reveal(this.view, mark.start_ms, mark.end_ms, this.durationMs));
  }

  hasFocus() {
    return this.root.contains(this.root.getRootNode().activeElement);
  }

  key(event) {
    event.stopPropagation();
    if (event.isComposing) return;
    if (event.target.closest("input:not([type=checkbox]):not([type=range]), select, textarea")) {
      if (event.key === "Escape" || (event.key === "Enter" && event.target.matches("input"))) this.root.focus({ preventScroll: true });
      return;
    }
    if (event.target.matches("input[type=range]") && event.key.startsWith("Arrow")) return;
    if (event.target !== this.root && (event.key === "Tab" || (event.target.matches("button") && [" ", "Enter"].includes(event.key)))) return;
    const meant = actionOf(event);
    if (!meant) return;
    if (this.help.open && meant.action !== "help") {
      this.help.toggle(false);
      if (meant.action === "escape") return;
    }
    if (this.act(meant.action, meant) !== false) event.preventDefault();
  }

  /** Do what a key or a control stands for; false when there was nothing to do and the key may mean something else. */
  act(action, details = {}) {
    return this.guard(() => this.actions[action]?.(details));
  }

  // What is on the screen

  refresh() {
    const { model } = this;
    const get = (name) => model.get(name);
    const types = get("artifact_types");
    if (!types.some(({ name }) => name === this.currentType)) this.currentType = types[0]?.name ?? null;
    this.theme = themeOf(get("theme"));
    set(this.root, "data-theme", this.theme);
    this.picture.parentElement.style.height = `${get("height")}px`;
    const sound = get("sound");
    write(this.name, sound.filename ?? "");
    set(this.name, "title", sound.error);
    set(this.name, "data-error", Boolean(sound.error));
    if (sound.error) write(this.name, sound.error.includes(sound.filename) ? sound.error : `${sound.filename}: ${sound.error}`);
    const mark = this.selectedMark();
    this.types.update(types, mark?.artifact_type ?? this.currentType);
    this.inspector.update(mark, types, HINT);
    this.list.update(get("marks"), get("selected"), types, this.colors);
    this.queue.update({ files: get("files"), indices: get("shown"), current: get("current"), fileFilter: get("file_filter") });
    this.reload.hidden = get("saved").state !== "failed";
    this.showBar();
    this.schedule();
  }

  showBar() {
    const { model, playback } = this;
    this.bar.update({
      playing: playback.playing, loop: playback.loop, speed: playback.speed, cursorMs: playback.now(), durationMs: this.durationMs,
      history: model.get("history"), saved: this.link.waiting ? SAVING : model.get("saved"), canPublish: model.get("can_publish"),
    });
  }

  schedule() {
    this.stale = true;
    this.frame ??= requestAnimationFrame(() => this.guard(() => this.paint()));
  }

  paint() {
    this.frame = null;
    if (!this.root.isConnected) return;
    if (this.picture.clientWidth === 0) {
      // Folded away, or the page is changing its style sheets: no observer tells of the end of the latter.
      clearTimeout(this.unseen);
      this.unseen = setTimeout(() => this.schedule(), UNSEEN_MS);
      return;
    }
    const now = performance.now();
    if (this.stale) this.paintAll(now);
    const atMs = this.playback.now();
    if (this.playback.playing) {
      const [start, end] = this.view;
      if (atMs > end || atMs < start) this.show(panView(this.view, atMs - start - 0.02 * (end - start), this.durationMs));
      this.showBar();
      this.frame ??= requestAnimationFrame(() => this.paint());
    }
    drawCursor(this.above, this.view, { atMs, beganMs: this.beganMs, theme: this.theme });
    set(this.picture, "data-cursor-ms", atMs.toFixed(1));
  }

  paintAll(now) {
    this.stale = false;
    const { recording, view, selected, colors, theme, gain } = this;
    const marks = this.marks();
    const drawn = this.preview && this.preview.id === undefined ? this.preview : null;
    const scene = { view, marks, selected, colors, theme, gain };
    this.drawnAs = drawPicture(this.picture, recording, { ...scene, drawn });
    const strip = drawOverview(this.overview, recording, scene);
    recording.tiles.flush(now);
    const wanted = strip.peak > 0 ? Math.min(0.94 / strip.peak, 20) : 1;
    if (Math.abs(wanted / gain - 1) > 0.02) {
      this.gain = wanted;
      this.schedule();
    }
    const { picture } = this;
    set(picture, "data-start-ms", view[0]);
    set(picture, "data-end-ms", view[1]);
    set(picture, "data-bands", JSON.stringify(this.drawnAs.bands));
    set(picture, "data-painted", this.drawnAs.whole ? "whole" : "coarse");
    set(picture, "data-paint-ms", (performance.now() - now).toFixed(1));
    set(picture, "data-paints", (this.paints += 1));
    set(this.overview, "data-duration-ms", recording.durationMs);
    if (this.drawnAs.whole) set(this.root, "data-ready", "true");
  }
}
