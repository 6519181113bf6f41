/* What the mouse, a pen or a finger does on the picture and on the strip above it. */

import { laneOf } from "./bands.js";
import { dragged, hit, spanBetween } from "./hit.js";
import { msAt, panView, xAt, zoomView } from "./view.js";

const STILL = 3;
const CURSORS = { start: "ew-resize", end: "ew-resize", body: "grab" };
const RULER_CURSOR = "pointer";
const DRAW_CURSOR = "crosshair";

/** Return how far a wheel event turned, in pixels, whatever unit the browser counts in. */
function turned(event) {
  const unit = [1, 16, 400][event.deltaMode] ?? 1;
  return { across: event.deltaX * unit, down: event.deltaY * unit };
}

/** Follow the pointer until it is let go; once another recording has come, what it holds is nothing any more. */
function follow(element, event, desk, { move, end }) {
  const { pointerId } = event;
  const { recording } = desk;
  element.setPointerCapture(pointerId);
  const moved = (one) => one.pointerId === pointerId && desk.recording === recording && move(one);
  const ended = (one) => {
    if (one.pointerId !== pointerId) return;
    element.removeEventListener("pointermove", moved);
    element.removeEventListener("pointerup", ended);
    element.removeEventListener("pointercancel", ended);
    if (desk.recording === recording) end(one, one.type === "pointerup");
  };
  element.addEventListener("pointermove", moved);
  element.addEventListener("pointerup", ended);
  element.addEventListener("pointercancel", ended);
}

/** Let the pointer draw, move and select on the picture. `desk` is asked and told. */
export function listenToPicture(canvas, desk) {
  const at = (event) => {
    const box = canvas.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };

  function under({ x, y }) {
    const { bands, nLanes, width } = desk.painter.drawnAs;
    const lane = laneOf(bands, y, nLanes);
    return hit(desk.marks(), x, { view: desk.view, width, selected: desk.selected, lane });
  }

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || !desk.painter.drawnAs) return;
    const from = at(event);
    const { view } = desk;
    const { width, bands } = desk.painter.drawnAs;
    const fromMs = msAt(view, width, from.x);
    const found = event.altKey || from.y < bands.ruler[1] ? null : under(from);
    const seeks = from.y < bands.ruler[1];
    let dragging = false;
    follow(canvas, event, desk, {
      move(one) {
        const { x } = at(one);
        dragging ||= Math.abs(x - from.x) > STILL;
        if (!dragging) return;
        if (found?.part === "body") canvas.style.cursor = "grabbing";
        const toMs = msAt(view, width, x);
        if (seeks) desk.seek(toMs);
        else if (found) {
          desk.select(found.mark.id);
          desk.pen.move(found.mark, dragged(found.mark, found.part, toMs - fromMs, desk.durationMs));
        } else desk.pen.sketch(spanBetween(fromMs, toMs, desk.durationMs));
      },
      end(one, finished) {
        if (!dragging) {
          if (!finished) return;
          if (!seeks) desk.select(found?.mark.id ?? null);
          desk.seek(fromMs);
        } else if (!finished) desk.pen.lift();
        else if (!seeks) desk.pen.settle();
      },
    });
  });

  canvas.addEventListener("pointermove", (event) => {
    if (event.buttons || !desk.painter.drawnAs) return;
    const place = at(event);
    if (place.y < desk.painter.drawnAs.bands.ruler[1]) canvas.style.cursor = RULER_CURSOR;
    else canvas.style.cursor = (event.altKey ? null : CURSORS[under(place)?.part]) ?? DRAW_CURSOR;
  });

  canvas.addEventListener("dblclick", (event) => {
    const found = under(at(event));
    if (found) desk.act("play-selection");
  });

  canvas.addEventListener("wheel", (event) => {
    // Without the focus a plain wheel scrolls the page, which would otherwise be caught by every picture on it.
    if (!event.ctrlKey && !event.metaKey && !desk.hasFocus()) return;
    event.preventDefault();
    const { across, down } = turned(event);
    const { width } = desk.painter.drawnAs;
    const sideways = event.shiftKey ? across || down : Math.abs(across) > Math.abs(down) ? across : 0;
    if (sideways) desk.show(panView(desk.view, (sideways / width) * (desk.view[1] - desk.view[0]), desk.durationMs));
    else desk.show(zoomView(desk.view, 1.002 ** down, msAt(desk.view, width, at(event).x), desk.durationMs));
  }, { passive: false });
}

/** Let the pointer drag what is shown along the strip of the whole recording. */
export function listenToOverview(canvas, desk) {
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    const { left, width } = canvas.getBoundingClientRect();
    const all = [0, desk.durationMs];
    const timeOf = (one) => msAt(all, width, one.clientX - left);
    const [start, end] = desk.view;
    const x = event.clientX - left;
    const inside = x >= xAt(all, width, start) - 3 && x <= xAt(all, width, end) + 3;
    const grip = inside ? timeOf(event) - start : (end - start) / 2;
    const place = (one) => desk.show(panView([0, end - start], timeOf(one) - grip, desk.durationMs));
    if (!inside) place(event);
    follow(canvas, event, desk, { move: place, end: () => {} });
  });
}
