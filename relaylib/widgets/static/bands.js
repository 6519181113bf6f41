/* Where the parts of the picture lie, from the top: ruler, waveform, spectrogram, lanes. */

export const RULER = 22;
export const LANE = 20;

const GAP = 4;
const MOST_LANES = 8;
const LEAST_REST = 60;

/** Return {ruler, wave, spectrogram, lanes}: [top, bottom] each, in pixels, for a picture of this height. */
export function bandsOf(height, nLanes) {
  const room = Math.floor((height - RULER - LEAST_REST) / LANE);
  const lanes = Math.max(Math.min(nLanes, MOST_LANES, room), 1) * LANE + GAP;
  const rest = height - RULER - lanes - 2 * GAP;
  const wave = Math.round(rest * 0.42);
  const top = RULER + GAP;
  return {
    ruler: [0, RULER],
    wave: [top, top + wave],
    spectrogram: [top + wave + GAP, top + rest],
    lanes: [height - lanes, height],
  };
}

/** Return [top, bottom] of one lane; more lanes than fit share the room. */
export function laneAt(bands, lane, nLanes) {
  const [top, bottom] = bands.lanes;
  const height = (bottom - top - GAP) / Math.max(nLanes, 1);
  return [top + GAP / 2 + lane * height, top + GAP / 2 + (lane + 1) * height];
}

/** Return the lane at pixel y, or null above and below the lanes. */
export function laneOf(bands, y, nLanes) {
  const [top, bottom] = bands.lanes;
  if (y < top || y >= bottom) return null;
  const height = (bottom - top - GAP) / Math.max(nLanes, 1);
  return Math.min(Math.max(0, Math.floor((y - top - GAP / 2) / height)), Math.max(nLanes, 1) - 1);
}
