/* Draws the waveform: from the extremes in tiles, or from single samples where they can be told apart. */

import { BLOCK, RATE } from "./pcm.js";
import { COLUMNS, columnMs, levelFor, tilesIn } from "./tiles.js";

const SAMPLES_BELOW_MS_PER_PIXEL = 4;
const FULL = 32768;

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
  if (msPerPixel < SAMPLES_BELOW_MS_PER_PIXEL && drawSamples(paint, recording.blocks, view, width, [top, bottom], half * gain)) return true;
  const { pixels, whole } = extremesOf(recording.tiles, view, width, recording.durationMs, recording.decodedMs);
  drawExtremes(paint, pixels, 127, middle, half * gain, [top, bottom]);
  return whole;
}

function drawExtremes({ ink, theme }, pixels, full, middle, scale, [top, bottom]) {
  ink.fillStyle = theme.wave;
  ink.beginPath();
  pixels.forEach((pixel, x) => {
    if (!pixel) return;
    const upper = Math.max(middle - (pixel[1] / full) * scale, top);
    const lower = Math.min(middle - (pixel[0] / full) * scale, bottom);
    ink.rect(x, upper - 0.4, 1, Math.max(lower - upper, 0) + 0.8);
  });
  ink.fill();
}

/** Draw from samples: their extremes for each pixel, or a line through them; return false when some are not here yet. */
function drawSamples(paint, blocks, view, width, [top, bottom], scale) {
  const first = Math.max(0, Math.floor((view[0] / 1000) * RATE) - 1);
  const last = Math.min(blocks.length, Math.ceil((view[1] / 1000) * RATE) + 2);
  const parts = [];
  for (let index = Math.floor(first / BLOCK); index * BLOCK < last; index++) {
    const samples = blocks.block(index);
    if (!samples) return false;
    parts.push([index * BLOCK, samples]);
  }
  const middle = (top + bottom) / 2;
  const perSample = width / (((view[1] - view[0]) / 1000) * RATE);
  const origin = (view[0] / 1000) * RATE;
  const pixels = perSample < 0.5 ? new Array(width).fill(null) : null;
  const points = [];
  for (const [base, samples] of parts) {
    const end = Math.min(samples.length, last - base);
    for (let k = Math.max(0, first - base); k < end; k++) {
      const x = (base + k - origin) * perSample;
      if (pixels) widen(pixels, Math.floor(x), samples[k]);
      else points.push([x, middle - (samples[k] / FULL) * scale]);
    }
  }
  if (pixels) drawExtremes(paint, joined(pixels), FULL, middle, scale, [top, bottom]);
  else drawLine(paint, points, perSample);
  return true;
}

function widen(pixels, x, value) {
  const pixel = pixels[x];
  if (x < 0 || x >= pixels.length) return;
  if (!pixel) pixels[x] = [value, value];
  else if (value < pixel[0]) pixel[0] = value;
  else if (value > pixel[1]) pixel[1] = value;
}

/** Return pixels that reach to the one before, so that a steep slope has no gaps. */
function joined(pixels) {
  return pixels.map((pixel, x) => {
    const before = pixels[x - 1];
    return pixel && before ? [Math.min(pixel[0], before[1]), Math.max(pixel[1], before[0])] : pixel;
  });
}

function drawLine({ ink, theme }, points, perSample) {
  ink.strokeStyle = theme.wave;
  ink.fillStyle = theme.wave;
  ink.lineWidth = 1.2;
  ink.lineJoin = "round";
  ink.beginPath();
  for (const [x, y] of points) ink.lineTo(x, y);
  ink.stroke();
  if (perSample > 5) for (const [x, y] of points) ink.fillRect(x - 1.5, y - 1.5, 3, 3);
}
