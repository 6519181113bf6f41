/* Which key does what. The help overlay shows this table, so it cannot say anything else. */

const GROUPS = [
  ["Sound", [
    ["Space", "play or pause", "play"],
    ["Enter", "play the span, or what is shown", "play-selection"],
    ["L", "loop", "loop"],
    ["[", "slower, and lower", "slower"],
    ["]", "faster, and higher", "faster"],
    ["Home", "to the beginning", "to-start"],
    ["End", "to the end", "to-end"],
  ]],
  ["Picture", [
    ["+", "zoom in", "zoom-in"],
    ["-", "zoom out", "zoom-out"],
    ["0", "show everything", "fit"],
    ["F", "show the selected span", "focus"],
    ["← →", "move, while no span is selected", null],
  ]],
  ["Spans", [
    ["I", "a span begins at the cursor", "in"],
    ["O", "… and ends at the cursor", "out"],
    ["1 … 9", "type of the selected span, else of the next one", null],
    ["← →", "move the span by 10 ms, with Shift by 1 ms", null],
    ["Ctrl + ← →", "move its start only", null],
    ["Alt + ← →", "move its end only", null],
    ["S", "snap its edges to the sound", "snap"],
    ["Delete", "remove it", "remove"],
    ["Tab", "next span; Shift + Tab: the one before", null],
    ["Esc", "select nothing", "escape"],
    ["Ctrl + Z", "undo; Ctrl + Shift + Z: redo", null],
  ]],
  ["Suggestions (dashed)", [
    ["N", "next suggestion, and play it", "next-suggestion"],
    ["A", "accept", "accept"],
    ["R", "reject", "reject"],
  ]],
  ["Files", [
    ["J or PageDown", "next file", null],
    ["K or PageUp", "file before", null],
    ["D", "done, and on to the next", "done"],
  ]],
  ["", [["?", "this list; Esc closes it", "help"]]],
];

export const HELP = GROUPS.map(([title, rows]) => [title, rows.map(([key, says]) => [key, says])]);

const SINGLE = new Map(GROUPS.flatMap(([, rows]) => rows.filter((row) => row[2]).map(([key, , action]) => [key, action])));
for (const [key, action] of [
  [" ", "play"], ["=", "zoom-in"], ["_", "zoom-out"], ["Backspace", "remove"], ["Escape", "escape"],
  ["J", "next-file"], ["PageDown", "next-file"], ["K", "previous-file"], ["PageUp", "previous-file"],
]) SINGLE.set(key, action);

/** Return {action, …} for a keydown event, or null when the key means nothing here. */
export function actionOf({ key, code = "", ctrlKey, metaKey, altKey, shiftKey }) {
  if (key === "ArrowLeft" || key === "ArrowRight") {
    const sign = key === "ArrowLeft" ? -1 : 1;
    const edge = altKey ? "end" : ctrlKey || metaKey ? "start" : "both";
    return { action: "arrow", sign, by_ms: sign * (shiftKey ? 1 : 10), edge };
  }
  const letter = key.length === 1 ? key.toUpperCase() : key;
  if (ctrlKey || metaKey) {
    if (letter === "Z") return { action: shiftKey ? "redo" : "undo" };
    if (letter === "Y") return { action: "redo" };
    return null;
  }
  if (altKey) return null;
  if (key === "Tab") return { action: "tab", sign: shiftKey ? -1 : 1 };
  const digit = /^[1-9]$/.test(key) ? key : /^(?:Digit|Numpad)([1-9])$/.exec(code)?.[1];
  if (digit && !shiftKey) return { action: "type", index: Number(digit) - 1 };
  const action = SINGLE.get(letter);
  return action ? { action } : null;
}
