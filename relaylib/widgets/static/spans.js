/* Draws marks: tinted over the waveform, as frames over the spectrogram, as bars with their names in the lanes. */

import { laneAt } from "./bands.js";
import { lineOn, textOn, withAlpha } from "./colors.js";
import { extent } from "./hit.js";

const FONT = "11.5px system-ui, sans-serif";
const DASH = [4, 3];

/** Return what is written on a mark: its type, and the confidence where it is not certain. */
export function labelOf(mark) {
  return mark.confidence < 1 || mark.state === "suggestion" ? `${mark.artifact_type} ${mark.confidence.toFixed(2)}` : mark.artifact_type;
}

function drawOver({ ink, theme }, mark, color, [left, right], [top, bottom], { selected, tint }) {
  const open = mark.state === "suggestion";
  ink.fillStyle = withAlpha(color, (selected ? 2 : 1) * tint * (open ? 0.5 : 1));
  ink.fillRect(left, top, right - left, bottom - top);
  ink.strokeStyle = lineOn(color, theme);
  ink.lineWidth = selected ? 2.5 : 1.4;
  ink.setLineDash(open ? DASH : []);
  ink.beginPath();
  for (const x of [left, right]) {
    ink.moveTo(x, top);
    ink.lineTo(x, bottom);
  }
  ink.stroke();
  ink.setLineDash([]);
}

function drawBar({ ink, theme }, mark, color, [left, right], [top, bottom], { selected, room }) {
  const open = mark.state === "suggestion";
  const height = bottom - top - 3;
  ink.beginPath();
  ink.roundRect(left, top + 1.5, right - left, height, Math.min(3, (right - left) / 2));
  ink.fillStyle = open ? withAlpha(color, 0.14) : color;
  ink.fill();
  ink.setLineDash(open ? DASH : []);
  ink.strokeStyle = selected ? theme.ink : lineOn(color, theme);
  ink.lineWidth = selected ? 2 : open ? 1.2 : 0;
  if (ink.lineWidth && (selected || open)) ink.stroke();
  ink.setLineDash([]);
  if (height < 11) return;
  const shown = Math.max(left, 0);
  const y = top + 1.5 + height / 2 + 0.5;
  const inside = right - shown - 8;
  const fits = (text, width) => ink.measureText(text).width <= width;
  for (const text of new Set([labelOf(mark), mark.artifact_type])) {
    const isInside = fits(text, inside);
    if (!isInside && !fits(text, room - right - 8)) continue;
    ink.fillStyle = isInside && !open ? textOn(color) : theme.ink;
    ink.fillText(text, isInside ? shown + 4 : right + 3, y);
    return;
  }
  const cut = inside > 0 ? cutTo(mark.artifact_type, (text) => fits(text, inside)) : null;
  ink.fillStyle = open ? theme.ink : textOn(color);
  if (cut) ink.fillText(cut, shown + 4, y);
}

/** Return as much of a text as fits with dots behind it, or null where that is less than two letters. */
function cutTo(text, fits) {
  for (let length = text.length - 1; length >= 2; length--) {
    const cut = `${text.slice(0, length).trimEnd()}…`;
    if (fits(cut)) return cut;
  }
  return null;
}

/** Return for each mark where the next one in its lane begins, or the picture ends. */
export function roomsOf(marks, view, width) {
  const rooms = new Map();
  const next = new Map();
  for (const mark of [...marks].sort((one, other) => other.start_ms - one.start_ms)) {
    rooms.set(mark, next.get(mark.lane) ?? width);
    next.set(mark.lane, Math.min(extent(mark, view, width)[0], width));
  }
  return rooms;
}

/** Draw all marks in sight; the selected one last, so that nothing covers it. */
export function drawSpans(paint, marks, view, width, bands, { selected, colors, nLanes }) {
  const { ink } = paint;
  ink.font = FONT;
  ink.textBaseline = "middle";
  const seen = marks.filter((mark) => mark.end_ms >= view[0] && mark.start_ms <= view[1]);
  const rooms = roomsOf(seen, view, width);
  seen.sort((one, other) => (one.id === selected) - (other.id === selected) || one.start_ms - other.start_ms);
  for (const mark of seen) {
    const color = colors.get(mark.artifact_type) ?? "#888888";
    const across = extent(mark, view, width);
    const isSelected = mark.id === selected;
    const room = rooms.get(mark);
    drawOver(paint, mark, color, across, bands.wave, { selected: isSelected, tint: 0.16 });
    drawOver(paint, mark, color, across, bands.spectrogram, { selected: isSelected, tint: 0.07 });
    drawBar(paint, mark, color, across, laneAt(bands, mark.lane, nLanes), { selected: isSelected, room });
  }
}
