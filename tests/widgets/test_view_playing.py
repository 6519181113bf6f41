"""What becomes of playing in the annotator's view when less sound comes than was promised, run by node."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest
from copied import copied

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")

# Plays a recording of N samples from its beginning, on a clock of its own; after half a second the kernel says `later`.
PLAY = """
import { Playback } from "./playback.js";
import { Recording } from "./recording.js";

const STEP_S = 0.1;

let clock = 0;

class Silent {
  gain = { setValueAtTime() {}, linearRampToValueAtTime() {}, cancelScheduledValues() {}, setTargetAtTime() {} };
  playbackRate = {};
  connect() {}
  start() {}
  stop() {}
}

globalThis.AudioContext = class {
  state = "running";
  get currentTime() {
    return clock;
  }
  createGain() {
    return new Silent();
  }
  createBufferSource() {
    return new Silent();
  }
  createBuffer(_, length) {
    return { getChannelData: () => new Float32Array(length) };
  }
  close() {}
};

const [sound, nSamples, later, mostS] = JSON.parse(process.argv[2]);
const answer = ({ start, end, request }) => {
  const bytes = new Uint8Array(2 * Math.max(0, Math.min(end, nSamples) - start));
  queueMicrotask(() => recording.take({ kind: "pcm", sound: "it", start, request }, [bytes]));
};
const playback = new Playback(() => {}, console.error);
const recording = new Recording({ id: "it", ...sound }, answer, () => playback.player.fill());
playback.load(recording);
playback.play([0, recording.durationMs]);
while (playback.playing && clock < mostS) {
  clock += STEP_S;
  playback.player.fill();
  await new Promise((resolve) => setTimeout(resolve));
  if (later && clock > 0.5) recording.update({ id: "it", ...later });
}
console.log(JSON.stringify({ playing: playback.playing, seconds: clock, cursorMs: playback.now() }));
process.exit();
"""

MOST_S = 20


def sound(duration_ms, decoded_ms, error=None):
    return {"duration_ms": duration_ms, "decoded_ms": decoded_ms, "error": error}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Give a folder with the scripts and one that plays."""
    made = copied(tmp_path_factory.mktemp("scripts"))
    (made / "play.js").write_text(PLAY)
    return made


@pytest.mark.parametrize(
    ("begun", "n_samples", "later", "ends_ms"),
    [
        (sound(5000, 5000), 80_000, None, 5000),
        (sound(10_000, 3000, "broken"), 48_000, None, 3000),
        (sound(10_000, 4000, "broken"), 64_000, None, 4000),  # where a block of 2 s ends
        (sound(10_000, 1000), 48_000, sound(10_000, 3000, "broken"), 3000),
        (sound(0, 0, "broken"), 0, None, 0),
        (sound(0, 0), 0, None, 0),
        (sound(10_000, 5000), 80_000, sound(5000, 5000), 5000),  # the header has promised more
        (sound(10_000, 3900), 64_000, sound(4000, 4000), 4000),
    ],
)
def test_playing_ends_where_the_sound_does(folder, begun, n_samples, later, ends_ms):
    """It takes as long as what there is, and the cursor stays at its end."""
    told = json.dumps([begun, n_samples, later, MOST_S])
    run = subprocess.run(["node", "play.js", told], cwd=folder, capture_output=True, text=True, timeout=60)
    assert (run.returncode, run.stderr) == (0, "")
    after = json.loads(run.stdout)
    assert not after["playing"]
    assert after["cursorMs"] == ends_ms
    assert after["seconds"] * 1000 == pytest.approx(ends_ms, abs=400)
