/* The artifact types as buttons: a number key each, and the one that the next span gets. */

import { button, make, set } from "./dom.js";
import { textOn } from "./colors.js";

/** Return {element, update}. */
export function makeTypes(choose) {
  const element = make("div", { class: "types", role: "toolbar", "aria-label": "Artifact types" });
  let shown = null;

  function update(types, current) {
    const key = JSON.stringify(types);
    if (key !== shown) {
      shown = key;
      element.replaceChildren(...types.map((type, index) => {
        const chip = button("type", type.description || type.name, "", () => choose(index));
        set(chip, "data-type", type.name);
        chip.style.setProperty("--type", type.color);
        chip.style.setProperty("--on-type", textOn(type.color));
        chip.append(...(type.key ? [make("kbd", {}, type.key)] : []), type.name);
        return chip;
      }));
    }
    for (const chip of element.children) set(chip, "aria-pressed", String(chip.dataset.type === current));
  }

  return { element, update };
}
