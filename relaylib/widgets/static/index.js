/* The view of the annotator: it draws, plays and sends what the person did; the kernel decides.

Elements are marked by `data-relay`, for tests and for style sheets of others:

annotator       the root; takes the focus and the keys. data-ready="true" once the first picture is whole; data-theme
picture         canvas. Its time axis is its whole width: time t lies at (t - start) / (end - start) * width.
                data-start-ms, data-end-ms    what is shown
                data-bands                    JSON: {"ruler": [top, bottom], "wave": …, "spectrogram": …, "lanes": …} in CSS pixels
                data-cursor-ms                where the sound is (moves while playing)
                data-painted                  "whole" when every tile in sight is there, else "coarse"
                data-paint-ms                 what the last painting cost
                data-paints                   how many times it was painted
overview        canvas of the whole recording, from 0 to data-duration-ms across its width
play, play-selection, loop, slower, faster, speed   data-playing on play, aria-pressed on loop, "1×" in speed
zoom-in, zoom-out, fit, undo, redo, snap, remove, accept, reject, next-suggestion, publish, help
time            "0:01.234 / 0:10.000"
saved           data-state="saved" | "saving" | "failed" | "memory"
error           shown while there is one (attribute hidden otherwise), with reload and dismiss
type            a button for each artifact type: data-type, aria-pressed for the one that the next span gets
inspector       of the selected mark (data-mark): mark-type, start, end, confidence, note
list            rows mark: data-mark (id), data-state="annotation" | "suggestion", data-type, aria-selected; sort, type-filter
files           rows file: data-index, data-done, aria-current; progress, file-filter, previous-file, next-file, done
help-overlay    hidden unless open

The wheel over the picture zooms while the widget has the focus (a click gives it), and always with Ctrl; otherwise the page scrolls.
*/

import { Desk } from "./desk.js";

function render({ model, el }) {
  const desk = new Desk(model, el);
  return () => desk.close();
}

export default { render };
