/* The cursor and what playing does to it. Times are ms; the player below counts samples. */

import { RATE } from "./pcm.js";
import { Player } from "./player.js";

const SPEEDS = [0.5, 0.75, 1, 1.25, 1.5, 2];

const samplesOf = (ms) => Math.round((ms / 1000) * RATE);
const msOf = (samples) => (samples / RATE) * 1000;

/** `changed` is called when playing begins or ends or the cursor was put elsewhere; `failed` with a message. */
export class Playback {
  constructor(changed, failed) {
    this.changed = changed;
    this.cursorMs = 0;
    this.loop = false;
    this.range = null;
    this.player = new Player((last) => this.halted(last), failed);
  }

  /** Turn to another recording: silence, and the cursor at its beginning. */
  load(recording) {
    this.player.stop();
    this.recording = recording;
    this.cursorMs = 0;
    this.range = null;
  }

  get playing() {
    return this.player.playing;
  }

  get speed() {
    return this.player.speed;
  }

  /** Where the sound of the recording ends, as far as is known. */
  get endMs() {
    return msOf(this.recording.blocks.length);
  }

  /** Return where the sound is, which is where the cursor belongs. */
  now() {
    const position = this.player.position();
    if (position !== null) this.cursorMs = msOf(position);
    return this.cursorMs;
  }

  /** Play on from the cursor; `region` [start, end] is what a loop goes round in. */
  play(region) {
    const [start, end] = this.loop ? region : [0, this.endMs];
    const from = this.cursorMs >= start && this.cursorMs < end - 1 ? this.cursorMs : start;
    this.start({ start, end, from, back: null });
  }

  /** Play [start, end]; the cursor returns to the start at the end. */
  playSpan(start, end) {
    this.start({ start, end, from: start, back: start });
  }

  start(range) {
    this.range = range;
    this.cursorMs = range.from;
    const [start, end] = [samplesOf(range.start), Math.max(samplesOf(range.end), samplesOf(range.start) + 1)];
    const from = Math.min(samplesOf(range.from), end - 1);
    this.player.play(this.recording.blocks, { start, end, from, loop: this.loop });
  }

  pause() {
    const position = this.player.stop();
    if (position !== null) this.cursorMs = msOf(position);
    this.changed();
  }

  /** Put the cursor somewhere; a playing sound goes on from there. */
  seek(ms) {
    const wasPlaying = this.playing;
    this.player.stop();
    this.cursorMs = Math.min(Math.max(ms, 0), this.recording.durationMs);
    if (wasPlaying) this.start({ start: 0, end: this.endMs, from: this.cursorMs, back: null });
    else this.recording.blocks.block(Math.floor(samplesOf(this.cursorMs) / (2 * RATE)));
    this.changed();
  }

  setLoop(loop) {
    this.loop = loop;
    if (this.playing) this.start({ ...this.range, from: this.now() });
    this.changed();
  }

  /** Change the speed by a step up or down. */
  step(by) {
    const at = SPEEDS.indexOf(this.speed) + by;
    const from = this.now();
    this.player.speed = SPEEDS[Math.min(Math.max(at, 0), SPEEDS.length - 1)];
    if (this.playing) this.start({ ...this.range, from });
    this.changed();
  }

  halted(last) {
    if (last !== undefined) this.cursorMs = this.range.back ?? Math.min(msOf(last), this.endMs);
    this.changed();
  }

  close() {
    this.player.close();
  }
}
