/* What went wrong, above the picture, with what can be done about it. */

import { button, make, write } from "./dom.js";

/** Return {element, show, update}; `reload` and `dismiss` are called by the buttons. */
export function makeFailure({ reload, dismiss }) {
  const text = make("span", {});
  const again = button("reload", "Take over what is kept; undo brings yours back", "Reload", reload);
  const away = button("dismiss", "Dismiss", "×", dismiss);
  const element = make("div", { class: "error", "data-relay": "error", role: "alert", hidden: true }, text,
    make("span", { class: "group" }, again, away));
  let unkept = null;

  /** Show a message, or nothing for null. */
  function show(message) {
    write(text, message ?? "");
    element.hidden = !message;
  }

  /** Offer to reload while something is not kept; when all is, what was said of that is over. */
  function update(saved) {
    const failed = saved.state === "failed";
    again.hidden = !failed;
    if (!failed && unkept !== null && text.textContent === unkept) show(null);
    unkept = failed ? saved.message : null;
  }

  return { element, show, update };
}
