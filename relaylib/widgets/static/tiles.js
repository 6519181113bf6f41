/* Tiles of the picture: asked for when they come into sight, kept while there is room. */

import { LOST_AFTER_MS, Recent } from "./recent.js";

export const COLUMNS = 256;
export const COLUMN_MS = 4;

/** Return the coarsest level that still has a column for every pixel. */
export function levelFor(msPerPixel) {
  return Math.max(0, Math.floor(Math.log2(msPerPixel / COLUMN_MS)));
}

export function columnMs(level) {
  return COLUMN_MS * 2 ** level;
}

/** Return the first and the last index of the tiles of a level that [start, end] ms touches. */
export function tilesIn([start, end], level, durationMs) {
  const length = columnMs(level) * COLUMNS;
  const last = Math.max(0, Math.ceil(Math.min(end, durationMs) / length) - 1);
  return [Math.min(Math.max(0, Math.floor(start / length)), last), last];
}

const KEPT = 400;
const AT_ONCE = 6;

/** The tiles of one recording, newest use last. `send` asks the kernel; `arrived` is called for each that came. */
export class Tiles {
  constructor(sound, send, arrived) {
    this.sound = sound;
    this.send = send;
    this.arrived = arrived;
    this.kept = new Recent(KEPT);
    this.asked = new Map();
    this.wanted = [];
  }

  /** Return a tile if it is here, and ask for it otherwise or if the recording has grown under it. */
  want(level, index, decodedMs) {
    const key = `${level}/${index}`;
    const tile = this.kept.use(key);
    const stale = tile && !tile.whole && decodedMs > tile.decodedMs;
    if ((!tile || stale) && !this.asked.has(key)) this.wanted.push({ key, level, index, decodedMs });
    return tile;
  }

  /** Return a coarser tile that holds column `column` of a level, with its own level, if there is one. */
  coarser(level, index) {
    for (let up = 1; up <= 12; up++) {
      const tile = this.kept.get(`${level + up}/${index >> up}`);
      if (tile) return { tile, level: level + up };
    }
    return null;
  }

  /** Send what was wanted since the last call; what went out of sight before it was sent is forgotten. */
  flush(now) {
    for (const [key, when] of this.asked) if (now - when.at > LOST_AFTER_MS) this.asked.delete(key);
    for (const { key, level, index, decodedMs } of this.wanted) {
      if (this.asked.size >= AT_ONCE) break;
      if (this.asked.has(key)) continue;
      this.asked.set(key, { at: now, decodedMs });
      this.send({ kind: "tile", sound: this.sound, level, index });
    }
    this.wanted = [];
  }

  take(message, [peaks, bands]) {
    const key = `${message.level}/${message.index}`;
    const decodedMs = this.asked.get(key)?.decodedMs ?? 0;
    this.asked.delete(key);
    this.kept.put(key, {
      columns: message.columns,
      bands: message.bands,
      whole: message.whole,
      decodedMs,
      peaks: new Int8Array(peaks.buffer, peaks.byteOffset, peaks.byteLength),
      levels: new Uint8Array(bands.buffer, bands.byteOffset, bands.byteLength),
      images: new Map(),
    });
    this.arrived();
  }
}
