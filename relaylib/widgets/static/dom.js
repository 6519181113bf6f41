/* Elements made by hand: no framework, and text only ever as text. */

/** Return an element: `props` are attributes, except functions, which listen to the event of their name. */
export function make(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else set(element, name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** Set an attribute, or take it away where the value is null or false. */
export function set(element, name, value) {
  if (value === null || value === undefined || value === false) {
    element.removeAttribute(name);
  } else {
    const text = value === true ? "" : String(value);
    if (element.getAttribute(name) !== text) element.setAttribute(name, text);
  }
}

/** Write text only where it differs, so that readers of the screen are not told again. */
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Return a button; pressing it by mouse leaves the focus where it is, so that keys keep their meaning. */
export function button(hook, label, text, click) {
  return make("button", {
    type: "button",
    "data-relay": hook,
    "aria-label": label,
    title: label,
    pointerdown: (event) => event.preventDefault(),
    mousedown: (event) => event.preventDefault(),
    click,
  }, text);
}

/** Return a choice; `options` are [value, text]. */
export function choice(hook, label, options, change) {
  const rows = options.map(([value, text]) => make("option", { value }, text));
  return make("select", { "data-relay": hook, "aria-label": label, title: label, change: (event) => change(event.target.value) }, ...rows);
}

/** Have `parent` hold `children` in this order; those that are there already stay, so that few are laid out anew. */
export function arrange(parent, children) {
  const wanted = new Set(children);
  for (const child of [...parent.children]) if (!wanted.has(child)) child.remove();
  let at = parent.firstElementChild;
  for (const child of children) {
    if (child === at) at = at.nextElementSibling;
    else parent.insertBefore(child, at);
  }
}

/** Scroll a list, and nothing around it, until `row` is in sight. */
export function scrollTo(list, row) {
  const above = row.getBoundingClientRect().top - list.getBoundingClientRect().top - list.clientTop;
  const below = above + row.offsetHeight - list.clientHeight;
  if (above < 0) list.scrollTop += above;
  else if (below > 0) list.scrollTop += below;
}
