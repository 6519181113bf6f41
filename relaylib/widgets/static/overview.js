/* The strip of the whole recording, with what is in sight marked on it. */

import { THEMES, withAlpha } from "./colors.js";
import { fitted } from "./picture.js";
import { extremesOf } from "./wave.js";
import { xAt } from "./view.js";

/** Draw the strip; return {peak, whole}: the loudest level seen, 0..1, and whether all of it was there. */
export function drawOverview(canvas, recording, { view, marks, colors, theme, gain }) {
  const { ink, width, height } = fitted(canvas);
  const shades = THEMES[theme];
  const all = [0, Math.max(recording.durationMs, 1)];
  const { pixels, whole } = extremesOf(recording.tiles, all, width, recording.durationMs, recording.decodedMs);
  const middle = height / 2;
  let peak = 0;
  ink.fillStyle = shades.wave;
  ink.globalAlpha = 0.75;
  pixels.forEach((pixel, x) => {
    if (!pixel) return;
    peak = Math.max(peak, Math.abs(pixel[0]), Math.abs(pixel[1]));
    const up = Math.min((pixel[1] / 127) * gain, 1) * (middle - 2);
    const down = Math.max((pixel[0] / 127) * gain, -1) * (middle - 2);
    ink.fillRect(x, middle - up - 0.3, 1, up - down + 0.6);
  });
  ink.globalAlpha = 1;
  for (const mark of marks) {
    const left = xAt(all, width, mark.start_ms);
    const right = Math.max(xAt(all, width, mark.end_ms), left + 2);
    const color = colors.get(mark.artifact_type) ?? "#888888";
    ink.fillStyle = mark.state === "suggestion" ? withAlpha(color, 0.5) : color;
    ink.fillRect(left, height - 4, right - left, 4);
  }
  const [left, right] = view.map((ms) => xAt(all, width, ms));
  ink.fillStyle = shades.shade;
  ink.fillRect(0, 0, left, height);
  ink.fillRect(right, 0, width - right, height);
  ink.strokeStyle = shades.soft;
  ink.lineWidth = 1.5;
  ink.strokeRect(Math.max(left, 0) + 0.75, 0.75, Math.max(Math.min(right, width) - Math.max(left, 0) - 1.5, 2), height - 1.5);
  if (recording.decodedMs < recording.durationMs && !recording.error) {
    const until = xAt(all, width, recording.decodedMs);
    ink.fillStyle = shades.soft;
    ink.font = "11px system-ui, sans-serif";
    ink.textBaseline = "middle";
    const text = `reading … ${Math.floor((100 * recording.decodedMs) / recording.durationMs)} %`;
    const room = ink.measureText(text).width + 8;
    ink.fillText(text, Math.min(until + 6, width - room), middle);
  }
  return { peak: peak / 127, whole };
}
