// The view of relaylib.widgets.bokeh_view.BokehView: hosts BokehJS, without anything from outside the kernel.
//
// Synced: `item` (bokeh.embed.json_item), `bokehjs` (reference to the one model that holds the script), `sources` (names of
// the ColumnDataSources) and `data_NAME` (columns of each), `properties` (of named models), `assigned` (how often those of each
// were set by the kernel), `watched` (names of ranges), `theme`.
// From the view: {kind: "tap", source, row} and {kind: "range", name, start, end}.

const SCRIPTS = Symbol.for("relaylib.bokehjs"); // one BokehJS per page and version, shared by every view
const RANGE_DELAY_MS = 60;

const INKS = {
  light: { ink: "#3c3c43", faint: "#00000014" },
  dark: { ink: "#d6d6dc", faint: "#ffffff1c" },
};

async function bokehOf(model) {
  const reference = model.get("bokehjs");
  const holder = await model.widget_manager.get_model(reference.replace(/^IPY_MODEL_/, ""));
  const loaded = (globalThis[SCRIPTS] ??= new Map());
  const version = holder.get("version");
  if (!loaded.has(version)) {
    const scope = {};
    new Function(holder.get("text")).call(scope); // its own scope: another BokehJS on the page is left alone
    loaded.set(version, scope.Bokeh);
  }
  return loaded.get(version);
}

function columnsOf(packed) {
  const columns = {};
  for (const [name, column] of Object.entries(packed)) {
    if (Array.isArray(column)) {
      columns[name] = column;
      continue;
    }
    const { buffer, byteOffset, byteLength } = column.buffer;
    const bytes = buffer.slice(byteOffset, byteOffset + byteLength); // aligned for any type
    columns[name] = new { f4: Float32Array, f8: Float64Array, i4: Int32Array }[column.dtype](bytes);
  }
  return columns;
}

/** Return row `index` of a source: the kernel may have put others in its place meanwhile. */
export function rowAt(columns, index) {
  return Object.fromEntries(Object.entries(columns).map(([name, values]) => [name, values[index]]));
}

function isDark(theme) {
  if (theme !== "auto") return theme === "dark";
  const { body } = document;
  if (body.dataset.jpThemeLight) return body.dataset.jpThemeLight === "false";
  if (body.dataset.vscodeThemeKind) return !body.dataset.vscodeThemeKind.includes("light");
  return globalThis.matchMedia("(prefers-color-scheme: dark)").matches;
}

function paint(doc, dark) {
  const { ink, faint } = INKS[dark ? "dark" : "light"];
  for (const model of doc.all_models) {
    if (model.type === "Figure") {
      model.setv({ outline_line_color: faint });
      if ("border_line_color" in model.properties) model.border_line_color = null; // since Bokeh 3.8
    } else if (model.type.endsWith("Axis")) {
      model.setv({
        axis_label_text_color: ink, major_label_text_color: ink, axis_line_color: ink,
        major_tick_line_color: ink, minor_tick_line_color: null,
      });
    } else if (model.type === "Grid") {
      model.setv({ grid_line_color: faint });
    } else if (model.type === "Legend") {
      model.setv({ label_text_color: ink, background_fill_color: null, border_line_color: null });
    } else if (model.type === "Title") {
      model.setv({ text_color: ink });
    } else if (model.tags.includes("ink")) {
      const { glyph } = model;
      for (const name of ["text_color", "line_color", "fill_color"]) if (name in glyph.properties) glyph[name] = ink;
    } else if (model.type === "Span") {
      model.setv({ line_color: ink });
    }
  }
}

function report(model, doc) {
  const timers = new Map();
  for (const part of doc.all_models) {
    if (part.type === "ColumnDataSource" && part.name) {
      part.selected.properties.indices.change.connect(() => {
        const [index] = part.selected.indices;
        if (index === undefined) return;
        model.send({ kind: "tap", source: part.name, row: rowAt(part.data, index) });
        setTimeout(() => (part.selected.indices = [])); // the same may be tapped again
      });
    } else if (part.type === "Range1d" && model.get("watched").includes(part.name)) {
      const later = () => {
        clearTimeout(timers.get(part));
        const tell = () => model.send({ kind: "range", name: part.name, start: part.start, end: part.end });
        timers.set(part, setTimeout(tell, RANGE_DELAY_MS));
      };
      part.properties.start.change.connect(later);
      part.properties.end.change.connect(later);
    }
  }
  return () => timers.forEach((timer) => clearTimeout(timer));
}

/** Let the wheel scroll the page until the drawing was clicked; return what ends that. */
function guardWheel(el) {
  const choose = (event) => (el.dataset.chosen = String(event.composedPath().includes(el)));
  const pass = (event) => el.dataset.chosen !== "true" && event.stopPropagation();
  document.addEventListener("pointerdown", choose, true);
  el.addEventListener("wheel", pass, { capture: true, passive: true });
  return () => {
    document.removeEventListener("pointerdown", choose, true);
    el.removeEventListener("wheel", pass, { capture: true });
  };
}

async function render({ model, el }) {
  el.classList.add("relay-bokeh");
  el.dataset.relay = "figure";
  const began = performance.now();
  const place = document.createElement("div");
  place.style.width = "100%";
  el.append(place);
  let Bokeh;
  try {
    Bokeh = await bokehOf(model);
  } catch (error) {
    place.textContent = `The drawing library did not load: ${error.message}. Run the cell again.`;
    return () => place.remove();
  }
  const item = structuredClone(model.get("item"));
  const views = await Bokeh.embed.embed_item(item, place);
  const doc = views.roots[0].model.document;
  const fillers = model.get("sources").map((name) => {
    const trait = `data_${name}`;
    const fill = () => {
      doc.get_model_by_name(name).data = columnsOf(model.get(trait));
      el.dataset.replaced = String(Number(el.dataset.replaced ?? 0) + 1);
    };
    model.on(`change:${trait}`, fill);
    return { fill, stop: () => model.off(`change:${trait}`, fill) };
  });
  let done = null;
  const assign = () => {
    const assigned = model.get("assigned");
    for (const [name, values] of Object.entries(model.get("properties"))) {
      if (done && done[name] === assigned[name]) continue; // what a person has panned since stays where it is
      doc.get_model_by_name(name).setv(values);
    }
    done = assigned;
  };
  const dress = () => paint(doc, isDark(model.get("theme")));
  dress();
  for (const { fill } of fillers) fill();
  assign();
  const unreport = report(model, doc);
  const unguard = guardWheel(el);
  model.on("change:assigned", assign);
  model.on("change:theme", dress);
  const watch = new MutationObserver(dress);
  watch.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light", "data-vscode-theme-kind"] });
  el.dataset.drawnMs = String(Math.round(performance.now() - began));
  return () => {
    watch.disconnect();
    unreport();
    unguard();
    for (const { stop } of fillers) stop();
    model.off("change:assigned", assign);
    model.off("change:theme", dress);
    views.clear();
    const at = Bokeh.documents.indexOf(doc);
    if (at >= 0) Bokeh.documents.splice(at, 1);
  };
}

export default { render };
