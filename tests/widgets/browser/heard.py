"""What a page really plays: the samples that reach the loudspeaker, and where the cursor was at that time."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

# Whatever is connected to the loudspeaker is connected to a recorder as well, which runs in the audio thread and so
# misses nothing while the page is busy. `fetch` and the like are left alone: the module is a blob of the page.
SCRIPT = """(() => {
    const processor = `registerProcessor("heard", class extends AudioWorkletProcessor {
        process([input]) {
            if (input.length) this.port.postMessage([currentFrame, input[0].slice()]);
            return true;
        }
    })`;
    const heard = window.heard = { context: null, pieces: [], cursor: [] };
    const connect = AudioNode.prototype.connect;
    const url = URL.createObjectURL(new Blob([processor], { type: "text/javascript" }));
    AudioNode.prototype.connect = function (target, ...rest) {
        if (target instanceof AudioDestinationNode && this.context !== heard.context) {
            heard.context = this.context;
            heard.pieces = [];
            this.context.audioWorklet.addModule(url).then(() => {
                heard.recorder = new AudioWorkletNode(this.context, "heard", { numberOfOutputs: 0 });
                heard.recorder.port.onmessage = ({ data }) => heard.pieces.push(data);
                connect.call(this, heard.recorder);
            });
        } else if (target instanceof AudioDestinationNode && heard.recorder) connect.call(this, heard.recorder);
        return connect.call(this, target, ...rest);
    };
    const look = ([{ target }]) => {
        if (!heard.context) return;
        const latency = heard.context.outputLatency || heard.context.baseLatency || 0;
        heard.cursor.push([heard.context.currentTime - latency, Number(target.dataset.cursorMs)]);
    };
    new MutationObserver(look).observe(document, { subtree: true, attributeFilter: ["data-cursor-ms"] });
})()"""

TAKE = """() => {
    const { pieces, cursor, context } = window.heard;
    window.heard.pieces = [];
    window.heard.cursor = [];
    const frames = pieces.map(([frame]) => frame);
    const samples = new Float32Array(pieces.reduce((sum, [, piece]) => sum + piece.length, 0));
    let at = 0;
    for (const [, piece] of pieces) { samples.set(piece, at); at += piece.length; }
    const bytes = new Uint8Array(samples.buffer);
    let text = "";
    for (let k = 0; k < bytes.length; k += 8192) text += String.fromCharCode(...bytes.subarray(k, k + 8192));
    return { frames, samples: btoa(text), cursor, rate: context?.sampleRate ?? 0 };
}"""


class Heard:
    """The recorder of a context's pages; made before they are opened."""

    def __init__(self, context: BrowserContext) -> None:
        context.add_init_script(SCRIPT)

    def wait(self, page: Page) -> None:
        """Wait until the recorder runs: it begins with the first sound that a page plays."""
        page.wait_for_function("() => window.heard.pieces.length > 0")

    def take(self, page: Page) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float32], npt.NDArray[np.float64]]:
        """Return what was heard since the last call, and forget it.

        Returns
        -------
        times_s : np.ndarray [shape=(n_samples,), float64]
            The audio clock at each sample.
        samples : np.ndarray [shape=(n_samples,), float32]
        cursor : np.ndarray [shape=(n_looks, 2), float64]
            The audio clock of what is heard when the cursor moves, and the cursor then in ms.
        """
        found = page.evaluate(TAKE)
        samples = np.frombuffer(base64.b64decode(found["samples"]), np.float32)
        starts = np.asarray(found["frames"], np.int64)
        if not len(starts):
            return np.empty(0), samples, np.empty((0, 2))
        length = len(samples) // len(starts)
        frames = (starts[:, None] + np.arange(length)).ravel()
        return frames / found["rate"], samples, np.asarray(found["cursor"], np.float64).reshape(-1, 2)
