/* The sound itself, in blocks of 2 s: for playing, and for the waveform when single samples can be told apart. */

import { LOST_AFTER_MS, Recent } from "./recent.js";

export const RATE = 16000;
export const BLOCK = 2 * RATE;

const KEPT = 60;

/** The blocks of one recording. `send` asks the kernel; `arrived` is called for each that came. */
export class Blocks {
  constructor(sound, send, arrived) {
    this.sound = sound;
    this.send = send;
    this.arrived = arrived;
    this.kept = new Recent(KEPT);
    this.asked = new Map();
    this.known = { duration_ms: 0, decoded_ms: 0 };
  }

  /** Say how far the recording is decoded: blocks that came short are asked for again. */
  grown(sound) {
    if (sound.decoded_ms !== this.known.decoded_ms) {
      for (const [index, samples] of this.kept) if (samples.length < BLOCK) this.kept.delete(index);
    }
    this.known = sound;
  }

  /** Samples there will be: what the header says, or what came before the recording broke off. */
  get length() {
    const { duration_ms, decoded_ms, error } = this.known;
    return Math.round(((error ? decoded_ms : duration_ms) / 1000) * RATE);
  }

  /** Return the samples [int16] of block `index` as far as they are here, and ask for them otherwise. */
  block(index, now = performance.now()) {
    if (index < 0 || index * BLOCK >= this.length) return null;
    const samples = this.kept.use(index);
    if (samples) return samples;
    const decoded = (this.known.decoded_ms / 1000) * RATE;
    const asked = this.asked.get(index);
    if (decoded > index * BLOCK && (asked === undefined || now - asked > LOST_AFTER_MS)) {
      this.asked.set(index, now);
      const start = index * BLOCK;
      this.send({ kind: "pcm", sound: this.sound, start, end: start + BLOCK, request: index });
    }
    return null;
  }

  /** Return whether nothing more will come behind block `index` than is here. */
  isLast(index) {
    const { duration_ms, decoded_ms, error } = this.known;
    return (index + 1) * BLOCK >= this.length && (Boolean(error) || decoded_ms >= duration_ms);
  }

  take(message, [data]) {
    const index = Math.floor(message.start / BLOCK);
    const bytes = data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength);
    this.asked.delete(index);
    if (bytes.byteLength === 0) return;
    this.kept.put(index, new Int16Array(bytes));
    this.arrived();
  }
}
