/* What is shown of a recording: a view is [start, end] in ms, times may have fractions. */

export const SHORTEST_VIEW_MS = 20;

/** Return the view inside of the recording, as long as it was where that fits. */
export function clampView([start, end], durationMs) {
  const longest = Math.max(durationMs, SHORTEST_VIEW_MS);
  const length = Math.min(Math.max(end - start, SHORTEST_VIEW_MS), longest);
  const first = Math.min(Math.max(start, 0), longest - length);
  return [first, first + length];
}

/** Return the view with `factor` times as much in it, with the time `atMs` where it was on the screen. */
export function zoomView([start, end], factor, atMs, durationMs) {
  const length = Math.min(Math.max((end - start) * factor, SHORTEST_VIEW_MS), Math.max(durationMs, SHORTEST_VIEW_MS));
  const share = (atMs - start) / (end - start);
  const first = atMs - share * length;
  return clampView([first, first + length], durationMs);
}

export function panView([start, end], byMs, durationMs) {
  return clampView([start + byMs, end + byMs], durationMs);
}

/** Return a view that shows [fromMs, toMs]: the same where it is in sight, else moved, else widened. */
export function reveal([start, end], fromMs, toMs, durationMs) {
  if (fromMs >= start && toMs <= end) return [start, end];
  const length = Math.max(end - start, (toMs - fromMs) * 1.5);
  const middle = (fromMs + toMs) / 2;
  return clampView([middle - length / 2, middle + length / 2], durationMs);
}

export function xAt([start, end], width, ms) {
  return ((ms - start) / (end - start)) * width;
}

export function msAt([start, end], width, x) {
  return start + (x / width) * (end - start);
}

const STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 15000, 30000, 60000, 120000, 300000, 600000];

/** Return {step, times} of the ruler: labels at least `apart` pixels from one another. */
export function rulerTicks([start, end], width, apart = 76) {
  const least = ((end - start) / width) * apart;
  const step = STEPS.find((one) => one >= least) ?? Math.ceil(least / 600000) * 600000;
  const times = [];
  for (let time = Math.ceil(start / step) * step; time <= end; time += step) times.push(time);
  return { step, times };
}

/** Return a time as m:ss, with as many digits after the second as a step of `stepMs` needs. */
export function clock(ms, stepMs = 1) {
  const digits = stepMs >= 1000 ? 0 : stepMs >= 100 ? 1 : stepMs >= 10 ? 2 : 3;
  const units = Math.round((ms / 1000) * 10 ** digits);
  const whole = Math.floor(units / 10 ** digits);
  const rest = digits ? "." + String(units % 10 ** digits).padStart(digits, "0") : "";
  const seconds = String(whole % 60).padStart(2, "0");
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes}:${seconds}${rest}`;
  return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}:${seconds}${rest}`;
}
