/* The list of marks beside the picture. */

import { arrange, choice, make, scrollTo, set } from "./dom.js";
import { clock } from "./view.js";

const ORDERS = {
  time: (one, other) => one.start_ms - other.start_ms || one.end_ms - other.end_ms || one.id - other.id,
  type: (one, other) => one.artifact_type.localeCompare(other.artifact_type) || ORDERS.time(one, other),
  confidence: (one, other) => other.confidence - one.confidence || ORDERS.time(one, other),
};

/** Return the marks of a type ("" for all) in an order ("time", "type", "confidence"). */
export function arranged(marks, order, type) {
  return marks.filter((mark) => !type || mark.artifact_type === type).sort(ORDERS[order]);
}

/** Return {element, update, order}; `pick` is called with a mark that was clicked. */
export function makeList(pick, changed) {
  let order = "time";
  let filter = "";
  const sort = choice("sort", "Sort by", [["time", "by time"], ["type", "by type"], ["confidence", "by confidence"]], (value) => {
    order = value;
    changed();
  });
  const only = choice("type-filter", "Show only spans of", [["", "all types"]], (value) => {
    filter = value;
    changed();
  });
  const title = make("span", { class: "title" });
  const rows = make("div", { class: "rows", role: "listbox", "aria-label": "Spans", "data-relay": "list" });
  const element = make("section", { class: "panel marks" }, make("header", {}, title, sort, only), rows);
  let shown = "";
  let was;
  let rowsOf = new Map();

  function row(mark, color) {
    const text = mark.extra_data?.note;
    const item = make(
      "div",
      { role: "option", class: "row", "data-relay": "mark", "data-mark": mark.id, "data-state": mark.state, "data-type": mark.artifact_type,
        pointerdown: (event) => event.preventDefault(), mousedown: (event) => event.preventDefault(), click: () => pick(mark.id) },
      make("i", { class: "swatch" }),
      make("span", { class: "when" }, clock(mark.start_ms)),
      make("span", { class: "what", title: mark.artifact_type }, mark.artifact_type),
      make("span", { class: "much" }, mark.state === "suggestion" || mark.confidence < 1 ? mark.confidence.toFixed(2) : `${mark.end_ms - mark.start_ms} ms`),
    );
    item.style.setProperty("--type", color);
    if (text) item.append(make("span", { class: "note", title: text }, text));
    return item;
  }

  /** Return a row for each mark; of those that look as before the ones that there are: there may be thousands. */
  function rowsFor(marks, colors) {
    const next = new Map();
    for (const mark of marks) {
      const color = colors.get(mark.artifact_type) ?? "#888888";
      const key = JSON.stringify([mark, color]);
      next.set(key, rowsOf.get(key) ?? row(mark, color));
    }
    rowsOf = next;
    return [...next.values()];
  }

  function update(marks, selected, types, colors) {
    const state = JSON.stringify([marks, order, filter, types]);
    if (state !== shown) {
      shown = state;
      was = undefined;
      if (only.children.length !== types.length + 1 || types.some(({ name }, k) => only.children[k + 1].value !== name)) {
        only.replaceChildren(make("option", { value: "" }, "all types"), ...types.map(({ name }) => make("option", { value: name }, name)));
        only.value = filter = types.some(({ name }) => name === filter) ? filter : "";
      }
      const open = marks.filter((mark) => mark.state === "suggestion").length;
      title.textContent = `${marks.length - open} span${marks.length - open === 1 ? "" : "s"}` + (open ? `, ${open} suggested` : "");
      const filled = rowsFor(arranged(marks, order, filter), colors);
      const empty = make("p", { class: "empty" }, marks.length ? "No span of this type." : "No spans yet.");
      arrange(rows, filled.length ? filled : [empty]);
    }
    if (selected === was) return;
    was = selected;
    for (const item of rows.children) {
      const chosen = item.dataset.mark === String(selected);
      set(item, "aria-selected", String(chosen));
      if (chosen) scrollTo(rows, item);
    }
  }

  return { element, update, get order() { return order; }, get filter() { return filter; } };
}
