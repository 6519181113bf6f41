/* The overlay with all keys. */

import { HELP } from "./keys.js";
import { make } from "./dom.js";

/** Return {element, toggle, close}. */
export function makeHelp() {
  const tables = HELP.map(([title, rows]) => make("section", {}, title ? make("h4", {}, title) : null,
    make("dl", {}, ...rows.flatMap(([key, says]) => [make("dt", {}, make("kbd", {}, key)), make("dd", {}, says)]))));
  const mouse = make("section", {}, make("h4", {}, "Mouse"), make("dl", {}, ...[
    ["click", "put the cursor there"],
    ["double click", "play the span there"],
    ["drag", "draw a span, or move one, or its edge"],
    ["Alt + drag", "draw over another span"],
    ["wheel", "zoom; with Shift, or sideways: move"],
    ["on the strip", "drag to move what is shown"],
  ].flatMap(([key, says]) => [make("dt", {}, key), make("dd", {}, says)])));
  const element = make("div", { class: "help", "data-relay": "help-overlay", role: "dialog", "aria-label": "Keys", hidden: true,
    click: () => toggle(false) }, make("div", { class: "sheet" }, mouse, ...tables));

  function toggle(open = element.hidden) {
    element.hidden = !open;
  }

  return { element, toggle, get open() { return !element.hidden; } };
}
