/* Who gets a key: the annotator, a control inside of it, or the page. */

import { actionOf } from "./keys.js";

const TYPED = "input:not([type=checkbox]):not([type=range]), select, textarea";

/** Let `root` take the focus by a click, and have its keys act; `desk` is told. */
export function listenToKeys(root, desk) {
  const focus = () => root.focus({ preventScroll: true });

  /** Say whether a key is for the control that has the focus. */
  function isForControl({ target, key }) {
    if (target.matches("input[type=range]") && key.startsWith("Arrow")) return true;
    return target !== root && (key === "Tab" || (target.matches("button") && [" ", "Enter"].includes(key)));
  }

  root.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.isComposing) return;
    if (event.target.closest(TYPED)) {
      if (event.key === "Escape" || (event.key === "Enter" && event.target.matches("input"))) focus();
      return;
    }
    const meant = isForControl(event) ? null : actionOf(event);
    if (meant && desk.press(meant) !== false) event.preventDefault();
  });
  root.addEventListener("pointerdown", (event) => {
    if (!event.target.closest("input, select, textarea")) focus();
  });
  // The notebook would take the focus back, and move its own selection.
  for (const type of ["mousedown", "keyup", "keypress"]) root.addEventListener(type, (event) => event.stopPropagation());
}
