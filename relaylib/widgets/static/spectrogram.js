/* Draws the spectrogram: each tile becomes a small image, once for each theme. */

import { ramp } from "./colors.js";
import { COLUMNS, columnMs, levelFor, tilesIn } from "./tiles.js";

const maps = new Map();

function colorMap(theme) {
  if (!maps.has(theme)) {
    const packed = ramp(theme.map).map(([red, green, blue]) => (255 << 24) | (blue << 16) | (green << 8) | red);
    maps.set(theme, Uint32Array.from(packed, (color) => color >>> 0));
  }
  return maps.get(theme);
}

function imageOf(tile, theme) {
  if (!tile.images.has(theme)) {
    const { columns, bands, levels } = tile;
    const canvas = document.createElement("canvas");
    canvas.width = columns;
    canvas.height = bands;
    const context = canvas.getContext("2d");
    const image = context.createImageData(columns, bands);
    const pixels = new Uint32Array(image.data.buffer);
    const map = colorMap(theme);
    for (let column = 0; column < columns; column++) {
      for (let band = 0; band < bands; band++) {
        pixels[(bands - 1 - band) * columns + column] = map[levels[column * bands + band]];
      }
    }
    context.putImageData(image, 0, 0);
    tile.images.set(theme, canvas);
  }
  return tile.images.get(theme);
}

/** Draw the spectrogram into [top, bottom]; return whether all of it was there. */
export function drawSpectrogram({ ink, theme, ratio }, recording, view, width, [top, bottom]) {
  const level = levelFor((view[1] - view[0]) / width);
  const length = columnMs(level) * COLUMNS;
  const [first, last] = tilesIn(view, level, recording.durationMs);
  const [r, g, b] = theme.map[0];
  ink.fillStyle = `rgb(${r}, ${g}, ${b})`;
  ink.fillRect(0, top, width, bottom - top);
  ink.save();
  ink.beginPath();
  const stop = ((Math.min(view[1], recording.durationMs) - view[0]) / (view[1] - view[0])) * width;
  ink.rect(0, top, stop, bottom - top);
  ink.clip();
  let whole = true;
  for (let index = first; index <= last; index++) {
    const tile = recording.tiles.want(level, index, recording.decodedMs);
    whole &&= Boolean(tile?.whole);
    const found = tile ? { tile, level } : recording.tiles.coarser(level, index);
    if (!found) continue;
    const up = found.level - level;
    const share = COLUMNS / 2 ** up;
    const from = (index % 2 ** up) * share;
    // Whole device pixels, so that no seam shows between tiles.
    const left = snap(((index * length - view[0]) / (view[1] - view[0])) * width, ratio);
    const right = snap((((index + 1) * length - view[0]) / (view[1] - view[0])) * width, ratio);
    ink.drawImage(imageOf(found.tile, theme), from, 0, share, found.tile.bands, left, top, right - left, bottom - top);
  }
  ink.restore();
  return whole;
}

function snap(x, ratio) {
  return Math.round(x * ratio) / ratio;
}
