/* One display of an annotator: what stands between the model, which the kernel shares, and the elements. */

import { makeActions } from "./actions.js";
import { makeBar } from "./bar.js";
import { make, set } from "./dom.js";
import { makeFailure } from "./failure.js";
import { makeHelp } from "./help.js";
import { makeInspector } from "./inspector.js";
import { listenToKeys } from "./keyboard.js";
import { Link, LOST } from "./link.js";
import { makeList } from "./list.js";
import { Painter } from "./painter.js";
import { Pen } from "./pen.js";
import { Playback } from "./playback.js";
import { listenToOverview, listenToPicture } from "./pointer.js";
import { makeQueue } from "./queue.js";
import { Recording } from "./recording.js";
import { Sight } from "./sight.js";
import { Snapper } from "./snapper.js";
import { themeOf, watchTheme } from "./theme.js";
import { makeTitle } from "./title.js";
import { makeTypes } from "./types.js";
import { reveal } from "./view.js";

const HINT = "Drag on the picture to draw a span. Press ? for all keys.";
const SHARED = ["artifact_types", "marks", "sound", "files", "current", "shown", "file_filter", "history", "saved", "can_publish", "selected",
  "view_ms", "theme", "height"];
const SAVING = { state: "saving", message: "" };
const UNSAVED = { state: "failed", message: LOST };

export class Desk {
  constructor(model, el) {
    this.model = model;
    this.beganMs = null;
    const edit = (one, sound) => this.edit(one, sound);
    const failed = (message) => this.fail(message);
    this.link = new Link(model, (message) => {
      this.fail(message);
      this.showBar();
    });
    this.snapper = new Snapper((message) => this.link.send(message), edit);
    this.pen = new Pen({ edit, failed, changed: () => this.schedule(), drew: (id) => this.drew(id) });
    this.actions = makeActions(this);
    this.playback = new Playback(() => this.refresh(), failed);
    this.sight = new Sight(model, this);
    this.painter = new Painter(this);
    this.build(el);
    this.takeSound();
    this.connect();
    this.refresh();
  }

  build(el) {
    const act = (action) => this.act(action);
    const { overview, stage } = this.painter;
    this.bar = makeBar(act);
    this.failure = makeFailure({ reload: () => act("reload"), dismiss: () => this.fail(null) });
    this.title = makeTitle();
    this.types = makeTypes((index) => this.chooseType(index));
    this.inspector = makeInspector((edit) => this.edit(edit), act);
    this.list = makeList((id) => this.pick(id), () => this.refresh());
    this.queue = makeQueue({
      open: (index) => this.link.open(index),
      mark: (index, done) => this.link.change({ kind: "done", index, done }),
      filter: (filter) => this.link.send({ kind: "filter", filter }),
      act,
    });
    this.help = makeHelp();
    const main = make("div", { class: "main" }, this.title.element, overview, stage, this.types.element, this.inspector.element);
    const side = make("div", { class: "side" }, this.list.element, this.queue.element);
    this.root = make("div", { class: "relay-annotator", "data-relay": "annotator", tabindex: 0, role: "application",
      "aria-label": "Annotator", "data-lm-suppress-shortcuts": "true" },
    this.bar.element, this.failure.element, make("div", { class: "body" }, main, side), this.help.element);
    el.append(this.root);
  }

  connect() {
    const { model, painter } = this;
    this.custom = (message, buffers) => this.guard(() => this.hear(message, buffers ?? []));
    this.changes = SHARED.map((name) => [`change:${name}`, () => this.guard(() => this.changed(name))]);
    for (const [event, call] of this.changes) model.on(event, call);
    model.on("msg:custom", this.custom);
    listenToKeys(this.root, this);
    listenToPicture(painter.picture, this);
    listenToOverview(painter.overview, this);
    this.unwatch = watchTheme(() => this.refresh());
  }

  close() {
    for (const [event, call] of this.changes) this.model.off(event, call);
    this.model.off("msg:custom", this.custom);
    this.unwatch();
    for (const part of [this.painter, this.sight, this.pen, this.link, this.bar, this.playback]) part.close();
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

  get view() {
    return this.sight.view;
  }

  get selected() {
    return this.sight.selected;
  }

  /** Return the marks, with what is being dragged where it is dragged to. */
  marks() {
    return this.pen.over(this.model.get("marks"));
  }

  selectedMark() {
    return [...this.model.get("marks"), ...this.pen.unheard].find((mark) => mark.id === this.selected) ?? null;
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
    this.painter.begin();
    this.sight.begin();
    this.beganMs = null;
    this.pen.begin();
  }

  changed(name) {
    // The attributes of one message are all there before the first of them is told of.
    this.takeSound();
    if (name === "marks") this.pen.answered();
    this.sight.take();
    this.refresh();
  }

  hear(message, buffers) {
    if (message.kind === "tile" || message.kind === "pcm") this.recording.take(message, buffers);
    else if (message.kind === "snap") this.snapper.take(message);
    else if (message.kind === "error") {
      this.pen.answered();
      this.fail(message.message);
    } else if (message.kind === "heard" && this.link.heard(message)) {
      this.pen.heard(message.number);
      if (this.selected === -message.number) this.sight.selected = this.model.get("selected");
      this.sight.take();
      this.refresh();
    }
  }

  fail(message) {
    this.failure.show(message);
    this.schedule();
  }

  // What the person does

  /** Do what a key means; false when it may mean something else to the page. */
  press(meant) {
    if (this.help.open && meant.action !== "help") {
      this.help.toggle(false);
      if (meant.action === "escape") return false;
    }
    return this.act(meant.action, meant);
  }

  /** Do what a key or a control stands for; false when there was nothing to do and the key may mean something else. */
  act(action, details = {}) {
    return this.guard(() => this.actions[action]?.(details));
  }

  /** Edit the labels of a sound, and return the number of the message. */
  edit(edit, sound) {
    this.fail(null);
    return this.change({ kind: "edit", edit }, sound);
  }

  /** Change the labels of a sound, by default of the one on the screen: the kernel may have opened the next one by now. */
  change(message, sound = this.recording.id) {
    const number = this.link.change({ ...message, sound });
    this.showBar();
    return number;
  }

  /** Have a mark selected that was just drawn; the kernel selects it by itself. */
  drew(id) {
    this.sight.selected = id;
    this.refresh();
  }

  select(id) {
    this.sight.select(id);
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
    this.sight.show(view);
  }

  /** Go along with the sound while it plays. */
  follow(atMs) {
    this.sight.follow(atMs);
    this.showBar();
  }

  chooseType(index) {
    const type = this.model.get("artifact_types")[index];
    if (!type) return;
    this.pen.type = type.name;
    const mark = this.selectedMark();
    const known = mark?.artifact_type === type.name && !this.link.waiting;
    if (mark && !known) this.edit({ do: "change", id: mark.id, artifact_type: type.name });
    this.refresh();
  }

  /** Select a mark and bring it into sight. */
  lookAt(mark) {
    this.select(mark.id);
    this.show(reveal(this.view, mark.start_ms, mark.end_ms, this.durationMs));
  }

  hasFocus() {
    return this.root.contains(this.root.getRootNode().activeElement);
  }

  // What is on the screen

  refresh() {
    const { model } = this;
    const get = (name) => model.get(name);
    const types = get("artifact_types");
    this.pen.take(types);
    this.theme = themeOf(get("theme"));
    set(this.root, "data-theme", this.theme);
    this.painter.stage.style.height = `${get("height")}px`;
    this.title.update(get("sound"));
    const mark = this.selectedMark();
    this.types.update(types, mark?.artifact_type ?? this.pen.type);
    this.inspector.update(mark, types, HINT);
    this.list.update(get("marks"), this.selected, types, this.colors);
    this.queue.update({ files: get("files"), indices: get("shown"), current: get("current"), fileFilter: get("file_filter") });
    this.failure.update(get("saved"));
    this.showBar();
    this.schedule();
  }

  showBar() {
    const { model, playback } = this;
    this.bar.update({
      playing: playback.playing, loop: playback.loop, speed: playback.speed, cursorMs: playback.now(), durationMs: this.durationMs,
      history: model.get("history"), saved: this.saved(), canPublish: model.get("can_publish"),
    });
  }

  /** Say whether everything is kept, as far as this view knows. */
  saved() {
    if (this.link.lost) return UNSAVED;
    return this.link.waiting ? SAVING : this.model.get("saved");
  }

  schedule() {
    this.painter.schedule();
  }
}
