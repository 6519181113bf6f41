/* Colours of the two themes, and the colour map of the spectrogram. */

export const THEMES = {
  light: {
    paper: "#ffffff", ink: "#1f2328", soft: "#59636e", line: "#d8dee4", wave: "#3d4f66", zero: "#c9d1d9",
    cursor: "#d1242f", shade: "rgba(31, 35, 40, 0.10)", lanes: "#f3f5f7",
    map: [[255, 255, 255], [222, 226, 235], [158, 168, 192], [88, 95, 132], [40, 38, 72], [8, 6, 20]],
  },
  dark: {
    paper: "#16181d", ink: "#e6e9ee", soft: "#a2abb8", line: "#343a44", wave: "#9db4d0", zero: "#39404c",
    cursor: "#ff6b6b", shade: "rgba(230, 233, 238, 0.14)", lanes: "#1f232a",
    map: [[0, 0, 4], [40, 17, 89], [114, 31, 129], [183, 55, 121], [241, 96, 93], [254, 176, 120], [252, 253, 191]],
  },
};

/** Return 256 colours [r, g, b] between the given ones. */
export function ramp(stops) {
  return Array.from({ length: 256 }, (_, k) => {
    const at = (k / 255) * (stops.length - 1);
    const low = Math.min(Math.floor(at), stops.length - 2);
    return stops[low].map((part, c) => Math.round(part + (stops[low + 1][c] - part) * (at - low)));
  });
}

function linear(hex) {
  const parts = [1, 3, 5].map((k) => parseInt(hex.slice(k, k + 2), 16) / 255);
  return parts.map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
}

/** Return the text colour, black or white, that reads better on `hex`. */
export function textOn(hex) {
  const [red, green, blue] = linear(hex);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 ? "#000000" : "#ffffff";
}

/** Return `hex` for lines and texts on the paper of a theme: dark colours are lighter on the dark one. */
export function lineOn(hex, theme) {
  if (theme !== THEMES.dark) return hex;
  const parts = [1, 3, 5].map((k) => parseInt(hex.slice(k, k + 2), 16));
  return "#" + parts.map((part) => Math.round(part + (255 - part) * 0.3).toString(16).padStart(2, "0")).join("");
}

/** Return `hex` with an alpha of 0..1. */
export function withAlpha(hex, alpha) {
  return hex + Math.round(alpha * 255).toString(16).padStart(2, "0");
}
