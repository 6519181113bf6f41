/* The controls above the picture. */

import { button, make, set, write } from "./dom.js";
import { clock } from "./view.js";

const SAVED = { saved: "Saved", saving: "Saving …", failed: "Not saved", memory: "In memory only" };

/** Return {element, update}; every control calls `act` with the name of an action, as a key does. */
export function makeBar(act) {
  const press = (action, label, text) => button(action, label, text, () => act(action));
  const play = press("play", "Play or pause (Space)", "▶");
  const loop = press("loop", "Loop (L)", "⟳");
  const speed = make("span", { "data-relay": "speed", class: "speed", title: "Speed; the pitch changes with it, as on a tape" });
  const time = make("span", { "data-relay": "time", class: "time" });
  const undo = press("undo", "Undo (Ctrl + Z)", "↶");
  const redo = press("redo", "Redo (Ctrl + Shift + Z)", "↷");
  const publish = press("publish", "Publish the labels of this dataset", "Publish");
  const saved = make("span", { "data-relay": "saved", class: "saved", role: "status" });
  const name = make("span", { class: "name" });
  const group = (...children) => make("span", { class: "group" }, ...children);
  const element = make(
    "div",
    { class: "bar", role: "toolbar", "aria-label": "Controls" },
    group(play, press("play-selection", "Play the selected span, or what is shown (Enter)", "▶ span"), loop),
    group(press("slower", "Slower and lower ([)", "−"), speed, press("faster", "Faster and higher (])", "+")),
    time,
    group(press("zoom-out", "Zoom out (-)", "⊖"), press("zoom-in", "Zoom in (+)", "⊕"), press("fit", "Show everything (0)", "⟷")),
    group(undo, redo),
    make("span", { class: "space" }),
    saved,
    publish,
    press("help", "Keys (?)", "?"),
  );
  let asked = null;

  /** Publishing asks once: the first press changes the button, the second one within 4 s publishes. */
  function confirmPublish() {
    if (asked !== null) {
      clearTimeout(asked);
      settle();
      return true;
    }
    write(publish, "Really publish?");
    asked = setTimeout(settle, 4000);
    return false;
  }

  function settle() {
    asked = null;
    write(publish, "Publish");
  }

  function update(state) {
    set(play, "data-playing", String(state.playing));
    write(play, state.playing ? "❚❚" : "▶");
    set(loop, "aria-pressed", String(state.loop));
    write(speed, `${state.speed}×`);
    write(time, `${clock(state.cursorMs)} / ${clock(state.durationMs)}`);
    undo.disabled = !state.history.undo;
    redo.disabled = !state.history.redo;
    publish.hidden = !state.canPublish;
    set(saved, "data-state", state.saved.state);
    set(saved, "title", state.saved.message);
    write(saved, SAVED[state.saved.state] ?? state.saved.state);
  }

  return { element, update, confirmPublish, close: () => clearTimeout(asked) };
}
