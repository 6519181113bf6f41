/* Which recording is on the screen, and why it cannot be read. */

import { make, set, write } from "./dom.js";

/** Return {element, update}. */
export function makeTitle() {
  const element = make("div", { class: "name" });

  function update({ filename = "", error }) {
    const told = error && !error.includes(filename) ? `${filename}: ${error}` : error;
    write(element, told || filename);
    set(element, "title", told || filename);
    set(element, "data-error", Boolean(error));
  }

  return { element, update };
}
