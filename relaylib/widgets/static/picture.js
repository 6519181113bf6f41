/* The picture: a canvas with ruler, waveform, spectrogram and lanes, and one above it for the cursor. */

import { bandsOf, laneAt, RULER } from "./bands.js";
import { THEMES, withAlpha } from "./colors.js";
import { drawSpectrogram } from "./spectrogram.js";
import { drawSpans } from "./spans.js";
import { clock, rulerTicks, xAt } from "./view.js";
import { drawWave } from "./wave.js";

const FONT = "11px system-ui, sans-serif";
const KILOHERTZ = [1, 2, 4];

/** Give a canvas the size of its box in device pixels; return a context that draws in CSS pixels. */
export function fitted(canvas) {
  const ratio = window.devicePixelRatio || 1;
  const width = canvas.clientWidth;
  const height = canvas.clientHeight;
  const [across, down] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== across || canvas.height !== down) {
    canvas.width = across;
    canvas.height = down;
  }
  const ink = canvas.getContext("2d");
  ink.setTransform(ratio, 0, 0, ratio, 0, 0);
  ink.clearRect(0, 0, width, height);
  return { ink, width, height, ratio };
}

/** Return mels by Slaney: evenly to 1 kHz, then by a constant factor, as the bands of the spectrogram lie. */
function melOf(hertz) {
  return hertz < 1000 ? (3 * hertz) / 200 : 15 + (27 * Math.log(hertz / 1000)) / Math.log(6.4);
}

/** Return the height, 0..1 from the bottom, of a frequency in the spectrogram. */
export function bandOf(hertz) {
  return melOf(hertz) / melOf(8000);
}

function drawRuler({ ink, theme }, view, width) {
  const { step, times } = rulerTicks(view, width);
  ink.font = FONT;
  ink.textBaseline = "middle";
  ink.fillStyle = theme.line;
  ink.fillRect(0, RULER - 1, width, 1);
  for (const time of times) {
    const x = Math.round(xAt(view, width, time));
    ink.fillStyle = theme.soft;
    ink.fillRect(x, RULER - 6, 1, 5);
    const text = clock(time, step);
    if (x + 4 + ink.measureText(text).width < width) ink.fillText(text, x + 4, 9);
  }
}

function drawFrequencies({ ink, theme }, [top, bottom]) {
  ink.font = FONT;
  ink.textBaseline = "middle";
  for (const kilohertz of KILOHERTZ) {
    const y = bottom - bandOf(kilohertz * 1000) * (bottom - top);
    const text = `${kilohertz} kHz`;
    ink.fillStyle = withAlpha(theme.paper, 0.65);
    ink.fillRect(0, y - 7.5, ink.measureText(text).width + 8, 15);
    ink.fillStyle = theme.ink;
    ink.fillText(text, 4, y + 0.5);
  }
}

/** Draw everything but the cursor; return what was drawn where. */
export function drawPicture(canvas, recording, { view, marks, selected, colors, theme, gain, drawn }) {
  const { ink, width, height, ratio } = fitted(canvas);
  const paint = { ink, ratio, theme: THEMES[theme] };
  const nLanes = 1 + Math.max(0, ...marks.map((mark) => mark.lane));
  const bands = bandsOf(height, nLanes);
  ink.fillStyle = paint.theme.lanes;
  ink.fillRect(0, bands.lanes[0], width, bands.lanes[1] - bands.lanes[0]);
  drawRuler(paint, view, width);
  const whole = [
    drawWave(paint, recording, view, width, bands.wave, gain),
    drawSpectrogram(paint, recording, view, width, bands.spectrogram),
  ].every(Boolean);
  drawFrequencies(paint, bands.spectrogram);
  drawSpans(paint, marks, view, width, bands, { selected, colors, nLanes });
  if (drawn) {
    const [left, right] = [xAt(view, width, drawn.start_ms), xAt(view, width, drawn.end_ms)];
    ink.fillStyle = withAlpha(drawn.color, 0.3);
    ink.fillRect(left, bands.wave[0], right - left, laneAt(bands, 0, 1)[1] - bands.wave[0]);
  }
  return { width, height, bands, nLanes, whole };
}

/** Draw the cursor; `waiting` for where a span was begun by key. */
export function drawCursor(canvas, view, { atMs, beganMs, theme }) {
  const { ink, width, height } = fitted(canvas);
  const { cursor } = THEMES[theme];
  if (beganMs !== null) {
    const [left, right] = [beganMs, atMs].map((ms) => xAt(view, width, ms)).sort((one, other) => one - other);
    ink.fillStyle = withAlpha(cursor, 0.15);
    ink.fillRect(left, RULER, right - left, height - RULER);
  }
  const x = xAt(view, width, atMs);
  if (x < -1 || x > width + 1) return;
  ink.fillStyle = cursor;
  ink.fillRect(Math.round(x * 2) / 2 - 0.75, 0, 1.5, height);
  ink.beginPath();
  ink.moveTo(x - 5, 0);
  ink.lineTo(x + 5, 0);
  ink.lineTo(x, 7);
  ink.fill();
}
