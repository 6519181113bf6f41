/* Plays a plan: pieces of the sound as buffers, one behind the other on the audio clock. */

import { BLOCK, RATE } from "./pcm.js";
import { nextPiece, playedAt, sampleAt, timeOf } from "./schedule.js";

const AHEAD_S = 1.5;
const LEAD_S = 0.03;
const FADE_S = 0.003;

/** `changed` is called when playing begins, halts for want of sound, or ends; `failed` with a message. */
export class Player {
  constructor(changed, failed) {
    this.changed = changed;
    this.failed = failed;
    this.speed = 1;
    this.blocks = null;
    this.plan = null;
    this.context = null;
    this.sources = new Set();
    this.timer = null;
  }

  get playing() {
    return this.plan !== null;
  }

  /** Play [start, end) in samples, from `from`. */
  async play(blocks, plan) {
    this.stop();
    this.blocks = blocks;
    const mine = (this.plan = { ...plan });
    try {
      // At the rate of the sound, buffers meet without resampling at their seams.
      this.context ??= new AudioContext({ sampleRate: RATE, latencyHint: "interactive" });
      if (this.context.state !== "running") await this.context.resume();
    } catch (error) {
      this.plan = null;
      this.failed(`The browser does not play sound: ${error.message}`);
      return;
    }
    if (this.plan !== mine) return;
    this.gain = this.context.createGain();
    this.gain.connect(this.context.destination);
    this.queued = 0;
    this.anchor = null;
    this.timer = setInterval(() => this.fill(), 100);
    this.fill();
    this.changed();
  }

  /** Queue pieces until enough lies ahead; called again when a block arrives. */
  fill() {
    if (!this.plan || !this.gain) return;
    const now = this.context.currentTime;
    for (;;) {
      if (this.anchor && timeOf(this.anchor, this.queued, this.speed, RATE) > now + AHEAD_S) return;
      const piece = nextPiece(this.plan, this.queued, BLOCK);
      if (!piece) break;
      const index = Math.floor(piece.start / BLOCK);
      if (index * BLOCK >= this.blocks.length) break;
      this.blocks.block(index + 1);
      const samples = this.blocks.block(index);
      const offset = piece.start - index * BLOCK;
      if (!samples || samples.length <= offset) {
        if (samples && this.blocks.isLast(index)) break;
        return;
      }
      this.queue(samples.subarray(offset, Math.min(samples.length, piece.end - index * BLOCK)), now);
    }
    if (!this.anchor || now > timeOf(this.anchor, this.queued, this.speed, RATE) + this.latency) this.end();
  }

  queue(samples, now) {
    // A piece that came too late moves the anchor, so that the cursor waits for the sound.
    if (!this.anchor || timeOf(this.anchor, this.queued, this.speed, RATE) < now) {
      this.anchor = { time: now + LEAD_S, played: this.queued };
      this.gain.gain.setValueAtTime(0, this.anchor.time);
      this.gain.gain.linearRampToValueAtTime(1, this.anchor.time + FADE_S);
    }
    const buffer = this.context.createBuffer(1, samples.length, RATE);
    const channel = buffer.getChannelData(0);
    for (let k = 0; k < samples.length; k++) channel[k] = samples[k] / 32768;
    const source = this.context.createBufferSource();
    source.buffer = buffer;
    source.playbackRate.value = this.speed;
    source.connect(this.gain);
    source.start(timeOf(this.anchor, this.queued, this.speed, RATE));
    source.onended = () => this.sources.delete(source);
    this.sources.add(source);
    this.queued += samples.length;
  }

  /** Seconds from the audio clock to the ear, as far as the browser knows. */
  get latency() {
    return this.context?.outputLatency || this.context?.baseLatency || 0;
  }

  /** Return the sample that is heard now, or null when nothing plays. */
  position() {
    if (!this.plan) return null;
    if (!this.anchor) return this.plan.from;
    const played = playedAt(this.anchor, this.context.currentTime - this.latency, this.speed, RATE);
    return sampleAt(this.plan, Math.min(played, this.queued));
  }

  end() {
    const last = this.plan.end;
    this.stop();
    this.changed(last);
  }

  /** Fall silent; return the sample that was heard last, or null when nothing played. */
  stop() {
    const position = this.position();
    this.plan = null;
    clearInterval(this.timer);
    if (this.gain) {
      const now = this.context.currentTime;
      this.gain.gain.cancelScheduledValues(now);
      this.gain.gain.setTargetAtTime(0, now, FADE_S / 3);
      for (const source of this.sources) source.stop(now + FADE_S * 2);
      this.sources.clear();
      this.gain = null;
    }
    return position;
  }

  close() {
    this.stop();
    this.context?.close();
    this.context = null;
  }
}
