/* Which mark comes next. */

function order(one, other) {
  return one.start_ms - other.start_ms || one.end_ms - other.end_ms || one.id - other.id;
}

/** Return the mark after (sign 1) or before (-1) the selected one, or the cursor where none is selected; or null. */
export function neighbour(marks, sign, selected, cursorMs) {
  const at = selected ?? { start_ms: cursorMs, end_ms: cursorMs, id: sign > 0 ? -1 : Infinity };
  const found = sign > 0 ? marks.find((mark) => order(mark, at) > 0) : marks.findLast((mark) => order(mark, at) < 0);
  return found ?? null;
}
