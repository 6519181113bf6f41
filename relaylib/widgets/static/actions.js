/* What keys and controls stand for. */

import { spanBetween } from "./hit.js";
import { neighbour } from "./neighbour.js";
import { panView, reveal, zoomView } from "./view.js";

const PAN = 0.2;

/** Return a function for each action by name; each takes what the key said besides, and returns false to let it pass. */
export function makeActions(desk) {
  const withMark = (call) => () => {
    const mark = desk.selectedMark();
    if (mark) call(mark);
  };
  const zoom = (factor) => () => {
    const cursor = desk.playback.cursorMs;
    const [start, end] = desk.view;
    const middle = cursor >= start && cursor <= end ? cursor : (start + end) / 2;
    desk.show(zoomView(desk.view, factor, middle, desk.durationMs));
  };
  const region = () => {
    const mark = desk.selectedMark();
    return mark ? [mark.start_ms, mark.end_ms] : desk.view;
  };
  const judge = (what) => withMark((mark) => mark.state === "suggestion" && desk.edit({ do: what, id: mark.id }));
  const go = (sign) => () => {
    const indices = desk.model.get("shown");
    const current = desk.link.awaited ?? desk.model.get("current");
    const index = sign > 0 ? indices.find((one) => one > current) : indices.findLast((one) => one < current);
    if (index !== undefined) desk.link.open(index);
  };
  const jump = (ms) => {
    desk.seek(ms);
    desk.show(reveal(desk.view, ms, ms, desk.durationMs));
  };
  const step = (sign, fits = () => true) => {
    const next = neighbour(desk.model.get("marks").filter(fits), sign, desk.selectedMark(), desk.playback.cursorMs);
    if (next) desk.lookAt(next);
    return next !== null;
  };
  const nextSuggestion = () => {
    const open = (mark) => mark.state === "suggestion";
    const first = desk.model.get("marks").find(open);
    if (!first) return;
    if (!step(1, open)) desk.lookAt(first);
    desk.playback.playSpan(...region());
  };
  return {
    play: () => (desk.playback.playing ? desk.playback.pause() : desk.playback.play(region())),
    "play-selection": () => desk.playback.playSpan(...region()),
    loop: () => desk.playback.setLoop(!desk.playback.loop),
    slower: () => desk.playback.step(-1),
    faster: () => desk.playback.step(1),
    "to-start": () => jump(0),
    "to-end": () => jump(desk.durationMs),
    "zoom-in": zoom(0.5),
    "zoom-out": zoom(2),
    fit: () => desk.show([0, desk.durationMs]),
    focus: withMark((mark) => {
      const margin = Math.max(mark.end_ms - mark.start_ms, 100);
      desk.show([mark.start_ms - margin, mark.end_ms + margin]);
    }),
    in: () => {
      desk.beganMs = desk.playback.now();
      desk.schedule();
    },
    out: () => {
      const span = desk.beganMs === null ? null : spanBetween(desk.beganMs, desk.playback.now(), desk.durationMs);
      desk.beganMs = null;
      if (span) desk.pen.draw(span);
      desk.schedule();
    },
    type: ({ index }) => desk.chooseType(index),
    arrow: ({ sign, by_ms, edge }) => {
      const mark = desk.selectedMark();
      if (mark) desk.edit({ do: "nudge", id: mark.id, by_ms, edge });
      else desk.show(panView(desk.view, sign * PAN * (desk.view[1] - desk.view[0]), desk.durationMs));
    },
    snap: withMark((mark) => desk.snapper.snap(mark, desk.recording.id)),
    remove: withMark((mark) => desk.edit({ do: "remove", id: mark.id })),
    accept: judge("accept"),
    reject: judge("reject"),
    "next-suggestion": nextSuggestion,
    tab: ({ sign }) => step(sign),
    escape: () => {
      desk.beganMs = null;
      desk.select(null);
      desk.schedule();
    },
    undo: () => desk.change({ kind: "undo" }),
    redo: () => desk.change({ kind: "redo" }),
    "next-file": go(1),
    "previous-file": go(-1),
    done: () => {
      desk.link.change({ kind: "done", index: desk.model.get("current"), done: true });
      if (desk.link.awaited === null) go(1)(); // else the next one has not been seen yet
    },
    reload: () => {
      desk.fail(null);
      desk.link.send({ kind: "reload", sound: desk.recording.id });
    },
    publish: () => desk.bar.confirmPublish() && desk.link.send({ kind: "publish" }),
    help: () => desk.help.toggle(),
  };
}
