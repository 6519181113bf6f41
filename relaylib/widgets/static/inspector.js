/* What is known of the selected mark, to be read and changed. */

import { button, choice, make, set, write } from "./dom.js";

/** Return {element, update}; `edit` sends an edit, `act` is called as by a key. */
export function makeInspector(edit, act) {
  let mark = null;
  const change = (values) => mark && edit({ do: "change", id: mark.id, ...values });
  const time = (hook, label, name) => make("input", {
    "data-relay": hook, "aria-label": `${label} in ms`, type: "number", min: 0, step: 1,
    change: ({ target }) => {
      if (Number.isFinite(target.valueAsNumber)) change({ [name]: Math.round(target.valueAsNumber) });
      else if (mark) target.value = mark[name];
    },
  });
  const type = choice("mark-type", "Type", [], (value) => change({ artifact_type: value }));
  const start = time("start", "Start", "start_ms");
  const end = time("end", "End", "end_ms");
  const length = make("span", { class: "length" });
  const percent = make("output", { class: "percent" });
  const confidence = make("input", {
    "data-relay": "confidence", "aria-label": "Confidence", type: "range", min: 0, max: 1, step: 0.05,
    input: (event) => write(percent, Number(event.target.value).toFixed(2)),
    change: (event) => change({ confidence: Number(event.target.value) }),
  });
  const note = make("input", {
    "data-relay": "note", "aria-label": "Note", type: "text", placeholder: "Note",
    change: (event) => change({ extra_data: withNote(mark.extra_data, event.target.value) }),
  });
  const press = (action, label, text) => button(action, label, text, () => act(action));
  const decide = make("span", { class: "group decide" }, press("accept", "Accept the suggestion (A)", "Accept"),
    press("reject", "Reject the suggestion (R)", "Reject"));
  const tools = make("span", { class: "group" }, press("snap", "Snap the edges to the sound (S)", "Snap"),
    press("remove", "Remove the span (Delete)", "Remove"));
  const fields = make("span", { class: "fields" }, type, make("label", {}, "from ", start), make("label", {}, "to ", end, " ms"), length,
    make("label", {}, "confidence ", confidence, percent), note, decide, tools);
  const hint = make("span", { class: "hint" });
  const element = make("div", { class: "inspector", "data-relay": "inspector" }, fields, hint);

  /** Show a value; where it is being changed, only if it is of `another` mark. */
  function fill(input, value, another) {
    if (another || (input !== document.activeElement && input.getRootNode().activeElement !== input)) input.value = value;
  }

  function update(selected, types, hintText) {
    const another = !isSame(mark, selected);
    mark = selected;
    set(element, "data-mark", mark?.id);
    fields.hidden = !mark;
    hint.hidden = Boolean(mark);
    write(hint, hintText);
    if (!mark) return;
    if (type.children.length !== types.length || types.some(({ name }, k) => type.children[k].value !== name)) {
      type.replaceChildren(...types.map(({ name }) => make("option", { value: name }, name)));
    }
    fill(type, mark.artifact_type, another);
    fill(start, mark.start_ms, another);
    fill(end, mark.end_ms, another);
    write(length, `${mark.end_ms - mark.start_ms} ms`);
    fill(confidence, mark.confidence, another);
    write(percent, mark.confidence.toFixed(2));
    fill(note, mark.extra_data?.note ?? "", another);
    decide.hidden = mark.state !== "suggestion";
  }

  return { element, update };
}

/** Say whether a mark is the one before it; one just drawn has an id below 0 until the kernel gives it another. */
export function isSame(before, mark) {
  if (!before || !mark || before.id === mark.id) return before?.id === mark?.id;
  return before.id < 0 && before.start_ms === mark.start_ms && before.end_ms === mark.end_ms;
}

/** Return the extra data with another note, or null when nothing is left. */
export function withNote(extra, text) {
  const { note: _, ...rest } = extra ?? {};
  const next = text.trim() ? { ...rest, note: text.trim() } : rest;
  return Object.keys(next).length ? next : null;
}
