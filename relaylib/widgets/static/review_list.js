// The view of relaylib.widgets.review_list.ReviewList: kinds to switch, a type to choose, and rows. It decides nothing:
// what is clicked is written to the model, and the kernel answers with rows.
//
// Hooks for tests: data-relay="review-list", "kind" (with data-kind), "type", "row" (with data-id), "sort" (data-key).

const HEADS = [
  ["kind", "error"],
  ["type", "type"],
  ["place", "file and time"],
  ["duration", "ms"],
  ["confidence", "conf."],
];

/** Return the kinds to show when one is switched, in the kernel's order: its answer must not undo a later click. */
export function toggled(kinds, shown, kind) {
  return kinds.map((one) => one.kind).filter((name) => shown.includes(name) !== (name === kind));
}

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== null) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

function render({ model, el }) {
  el.classList.add("relay-review-list");
  el.dataset.relay = "review-list";
  const kinds = element("div", { class: "kinds", role: "group", "aria-label": "kinds of outcome" });
  const type = element("select", { "data-relay": "type", "aria-label": "artifact type" });
  const head = element("thead");
  const body = element("tbody");
  const table = element("table", { tabindex: "0", "data-lm-suppress-shortcuts": "true" }, head, body);
  const more = element("div", { class: "more" });
  el.append(element("div", { class: "filters" }, kinds, type), element("div", { class: "rows" }, table), more);

  const write = (values) => {
    model.set(values);
    model.save_changes();
  };

  // with the row: while the kernel is busy, `selected` waits for its answer, and this does not
  const play = () => model.send({ kind: "play", id: model.get("selected") });

  const drawKinds = () => {
    const shown = model.get("shown");
    kinds.replaceChildren(
      ...model.get("kinds").map(({ kind, label, sign, color, n }) => {
        const pressed = shown.includes(kind);
        const toggle = () => write({ shown: toggled(model.get("kinds"), model.get("shown"), kind) });
        const attributes = { type: "button", "aria-pressed": pressed, "data-relay": "kind", "data-kind": kind };
        return element(
          "button",
          { ...attributes, style: `--color: ${color}`, onclick: toggle },
          element("span", { class: "sign" }, sign),
          `${label} ${n}`,
        );
      }),
    );
  };

  const drawTypes = () => {
    type.replaceChildren(
      element("option", { value: "" }, "all types"),
      ...model.get("types").map((name) => element("option", { value: name }, name)),
    );
    type.value = model.get("artifact_type");
  };

  const drawHead = () => {
    const [by, descending] = [model.get("sort_by"), model.get("descending")];
    const sort = (key) => write({ sort_by: key, descending: by === key ? !descending : key === "confidence" });
    const cells = HEADS.map(([key, label]) => {
      const order = by !== key ? "none" : descending ? "descending" : "ascending";
      const arrow = { none: "", descending: " ▾", ascending: " ▴" }[order];
      const button = element("button", { type: "button", "data-relay": "sort", "data-key": key, onclick: () => sort(key) });
      button.append(label + arrow);
      return element("th", { "aria-sort": order, class: key }, button);
    });
    head.replaceChildren(element("tr", {}, ...cells));
  };

  const drawRows = () => {
    const rows = model.get("rows").map((row) =>
      element(
        "tr",
        {
          "data-relay": "row",
          "data-id": row.id,
          onclick: () => write({ selected: row.id }),
          ondblclick: play,
        },
        element(
          "td",
          { class: "kind" },
          element("span", { class: "sign", style: `--color: ${row.color}` }, row.sign),
          row.label,
        ),
        element("td", {}, row.type),
        element("td", { class: "place", title: row.filename }, element("span", {}, row.filename), ` ${row.at}`),
        element("td", { class: "number" }, String(row.duration_ms)),
        element("td", { class: "number" }, row.confidence === null ? "–" : row.confidence.toFixed(2)),
      ),
    );
    body.replaceChildren(...rows);
    const hidden = model.get("n_rows") - rows.length;
    more.textContent = rows.length === 0 ? "Nothing of this kind." : hidden > 0 ? `… and ${hidden} more: filter the list` : "";
    mark();
  };

  const mark = () => {
    for (const row of body.children) {
      const chosen = Number(row.dataset.id) === model.get("selected");
      row.setAttribute("aria-selected", String(chosen));
      if (chosen) row.scrollIntoView({ block: "nearest" });
    }
  };

  type.addEventListener("change", () => write({ artifact_type: type.value }));
  table.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step === undefined && event.key !== "Enter") return;
    event.preventDefault();
    event.stopPropagation();
    if (event.key === "Enter") return play();
    const rows = model.get("rows");
    const at = rows.findIndex((row) => row.id === model.get("selected"));
    const next = rows[Math.min(Math.max(at + step, 0), rows.length - 1)];
    if (next) write({ selected: next.id });
  });

  const parts = [
    ["change:kinds change:shown", drawKinds],
    ["change:types change:artifact_type", drawTypes],
    ["change:sort_by change:descending", drawHead],
    ["change:rows change:n_rows", drawRows],
    ["change:selected", mark],
  ];
  for (const [events, draw] of parts) {
    draw();
    for (const event of events.split(" ")) model.on(event, draw);
  }
  return () => {
    for (const [events, draw] of parts) for (const event of events.split(" ")) model.off(event, draw);
  };
}

export default { render };
