/* The files as a queue: which is open, which are done, how many are left. */

import { button, choice, make, scrollTo, write } from "./dom.js";

const FILTERS = [["all", "all files"], ["unlabelled", "unlabelled"], ["suggestions", "with suggestions"], ["done", "done"]];

const TAIL = 12;

/** Return a name that is cut in its middle where there is no room: what tells files apart often stands at the end. */
function makeName(name) {
  return make("span", { class: "what" }, make("span", { class: "head" }, name.slice(0, -TAIL)), make("span", {}, name.slice(-TAIL)));
}

/** Return what each file is called: its name, with as many folders before it as tell it from others of that name. */
export function callNames(filenames) {
  const called = (parts, depth) => parts.slice(-depth).join("/");
  const all = filenames.map((filename) => filename.split("/"));
  const names = filenames.slice();
  let alike = all.map((_, index) => index);
  for (let depth = 1; alike.length; depth += 1) {
    const counts = new Map();
    for (const index of alike) counts.set(called(all[index], depth), (counts.get(called(all[index], depth)) ?? 0) + 1);
    for (const index of alike) names[index] = called(all[index], depth);
    alike = alike.filter((index) => counts.get(names[index]) > 1 && depth < all[index].length);
  }
  return names;
}

/** Return a file in words, for readers of the screen. */
function said({ filename, done, n_marks, n_suggestions, error }) {
  const marked = `${n_marks} span${n_marks === 1 ? "" : "s"}` + (n_suggestions ? `, ${n_suggestions} suggested` : "");
  return `${filename}, ${error ? "unreadable" : marked}${done ? ", done" : ""}`;
}

/** Return {element, update}; `open`, `mark` and `filter` tell the kernel, `act` is called as by a key. */
export function makeQueue({ open, mark, filter, act }) {
  const progress = make("span", { class: "title", "data-relay": "progress" });
  const meter = make("i", { class: "meter" });
  const only = choice("file-filter", "Show only files", FILTERS, filter);
  const rows = make("div", { class: "rows", role: "listbox", "aria-label": "Files", "data-relay": "files" });
  const press = (action, label, text) => button(action, label, text, () => act(action));
  const done = press("done", "Done, and on to the next file (D)", "Done ✓");
  const steps = make("footer", {}, press("previous-file", "File before (K)", "‹ Previous"), press("next-file", "Next file (J)", "Next ›"), done);
  const element = make("section", { class: "panel queue" }, make("header", {}, progress, only), meter, rows, steps);
  let keys = [];
  let at = null;
  let known = null;
  let names = [];

  function row(file, index, current) {
    const box = make("input", {
      type: "checkbox", "aria-label": `${file.filename} is done`, title: "done", tabindex: -1,
      click: (event) => {
        event.stopPropagation();
        mark(index, event.target.checked);
      },
    });
    box.checked = file.done;
    const counts = [file.n_marks ? String(file.n_marks) : "", file.n_suggestions ? `+${file.n_suggestions}?` : ""].filter(Boolean).join(" ");
    return make(
      "div",
      { role: "option", class: "row", "data-relay": "file", "data-index": index, "data-done": String(Boolean(file.done)),
        "aria-current": index === current ? "true" : null, "aria-selected": String(index === current), "aria-label": said(file),
        title: file.error ?? file.filename,
        pointerdown: (event) => event.target !== box && event.preventDefault(), click: () => open(index) },
      box,
      makeName(names[index]),
      file.error ? make("span", { class: "broken" }, "unreadable") : make("span", { class: "much" }, counts),
    );
  }

  /** Make only those rows anew that differ: there may be thousands. */
  function fill(files, indices, current) {
    const next = indices.map((index) => JSON.stringify([index, files[index], index === current]));
    if (next.length !== keys.length || !next.length) {
      rows.replaceChildren(...indices.map((index) => row(files[index], index, current)));
      if (!indices.length) rows.append(make("p", { class: "empty" }, "No file fits the filter."));
    } else {
      next.forEach((key, k) => key !== keys[k] && rows.children[k].replaceWith(row(files[indices[k]], indices[k], current)));
    }
    keys = next;
  }

  function update({ files, indices, current, fileFilter }) {
    if (files !== known) names = callNames(files.map((file) => file.filename));
    known = files;
    element.hidden = files.length <= 1;
    const finished = files.filter((file) => file.done).length;
    write(progress, `${finished} of ${files.length} done`);
    meter.style.setProperty("--share", `${(100 * finished) / Math.max(files.length, 1)}%`);
    only.value = fileFilter;
    write(done, files[current]?.done ? "Next ✓" : "Done ✓");
    fill(files, indices, current);
    if (current !== at) {
      at = current;
      const chosen = rows.querySelector('[aria-current="true"]');
      if (chosen) scrollTo(rows, chosen);
    }
  }

  return { element, update };
}
