/* Draws the waveform: from the extremes in tiles, or from single samples where they can be told apart. */

import { BLOCK, RATE } from "./pcm.js";
import { COLUMNS, columnMs, levelFor, tilesIn } from "./tiles.js";

const SAMPLES_FROM_MS_PER_PIXEL = 2;

/** Return [lowest, highest] of -127..127 for each pixel, from tiles; null where nothing is known yet. */
export function extremesOf(tiles, view, width, durationMs, decodedMs) {
  const level = levelFor((view[1] - view[0]) / width);
  const length = columnMs(level);
  const [first, last] = tilesIn(view, level, durationMs);
  const sources = new Map();
  let whole = true;
  for (let index = first; index <= last; index++) {
    const tile = tiles.want(level, index, decodedMs);
    whole &&= Boolean(tile?.whole);
    const found = tile ? { tile, level } : tiles.coarser(level, index);
    if (found) sources.set(index, found);
  }
  const msPerPixel = (view[1] - view[0]) / width;
  const pixels = new Array(width).fill(null);
  for (let x = 0; x < width; x++) {
    const from = Math.floor((view[0] + x * msPerPixel) / length);
    const to = Math.max(from, Math.ceil((view[0] + (x + 1) * msPerPixel) / length) - 1);
    let low = 127;
    let high = -128;
    for (let column = from; column <= to; column++) {
      const found = sources.get(Math.floor(column / COLUMNS));
      if (!found) continue;
      const at = 2 * ((column >> (found.level - level)) % COLUMNS);
      low = Math.min(low, found.tile.peaks[at]);
      high = Math.max(high, found.tile.peaks[at + 1]);
    }
    if (high >= low) pixels[x] = [low, high];
  }
  return { pixels, whole };
}

/** Draw the waveform into [top, bottom]; return whether all of it was there. */
export function drawWave(paint, recording, view, width, [top, bottom], gain) {
  const { ink, theme } = paint;
  const middle = (top + bottom) / 2;
  const half = (bottom - top) / 2;
  ink.fillStyle = theme.zero;
  ink.fillRect(0, middle - 0.5, width, 1);
  const msPerPixel = (view[1] - view[0]) / width;
  if (msPerPixel < SAMPLES_FROM_MS_PER_PIXEL && drawSamples(paint, recording.blocks, view, width, middle, half * gain)) return true;
  const { pixels, whole } = extremesOf(recording.tiles, view, width, recording.durationMs, recording.decodedMs);
  ink.fillStyle = theme.wave;
  ink.beginPath();
  pixels.forEach((pixel, x) => {
    if (!pixel) return;
    const upper = Math.max(middle - (pixel[1] / 127) * half * gain, top);
    const lower = Math.min(middle - (pixel[0] / 127) * half * gain, bottom);
    ink.rect(x, upper - 0.4, 1, Math.max(lower - upper, 0) + 0.8);
  });
  ink.fill();
  return whole;
}

/** Draw single samples; return false when some of them are not here yet. */
function drawSamples({ ink, theme }, blocks, view, width, middle, scale) {
  const first = Math.max(0, Math.floor((view[0] / 1000) * RATE) - 1);
  const last = Math.min(blocks.length, Math.ceil((view[1] / 1000) * RATE) + 2);
  const parts = [];
  for (let index = Math.floor(first / BLOCK); index * BLOCK < last; index++) {
    const samples = blocks.block(index);
    if (!samples) return false;
    parts.push([index * BLOCK, samples]);
  }
  const pixelsPerSample = width / (((view[1] - view[0]) / 1000) * RATE);
  const origin = (view[0] / 1000) * RATE;
  ink.strokeStyle = theme.wave;
  ink.fillStyle = theme.wave;
  ink.lineWidth = 1.2;
  ink.lineJoin = "round";
  ink.beginPath();
  for (const [base, samples] of parts) {
    const end = Math.min(samples.length, last - base);
    for (let k = Math.max(0, first - base); k < end; k++) {
      ink.lineTo((base + k - origin) * pixelsPerSample, middle - (samples[k] / 32768) * scale);
    }
  }
  ink.stroke();
  if (pixelsPerSample > 5) {
    for (const [base, samples] of parts) {
      const end = Math.min(samples.length, last - base);
      for (let k = Math.max(0, first - base); k < end; k++) {
        ink.fillRect((base + k - origin) * pixelsPerSample - 1.5, middle - (samples[k] / 32768) * scale - 1.5, 3, 3);
      }
    }
  }
  return true;
}
