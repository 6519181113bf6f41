"""How fast the encoder that comes along is: how many times real time, and against transformers for its transformer.

It embeds the speech that comes with the package, laid end to end. The peer is the same encoder with
`precision="reference"`, of which transformers computes the transformer, in float32 as well.

    python benchmarks/shipped.py [--seconds 3 10 30 60 600] [--pairs 7] [--json FILE]
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
from lib.labelled import shipped
from lib.pairs import HEADING, compare, write_report

from relaylib.audio import load
from relaylib.models import embed, load_encoder
from relaylib.types import SAMPLE_RATE

NAME = "speech-small"


def speech(seconds: float) -> npt.NDArray[np.float32]:
    """Return so much of the speech in the package, again from the start where there is no more."""
    everything = np.concatenate([load(item.filename).samples for item in shipped()])
    return np.resize(everything, round(seconds * SAMPLE_RATE))


def main() -> None:
    """Run the comparisons and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, nargs="+", default=[3, 10, 30, 60, 600], help="lengths")
    parser.add_argument("--pairs", type=int, default=7, help="timed pairs of each comparison")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()

    ours, theirs = load_encoder(NAME), load_encoder(NAME, precision="reference")
    clip = speech(10)  # one window; of several, ours take less through the layers, and other frames are heard beside
    assert np.allclose(embed(clip, ours).embeddings, embed(clip, theirs).embeddings, atol=0.01)
    rows, times_real_time = [], {}
    print(f"{HEADING}; then times real time")
    for seconds in options.seconds:
        samples = speech(seconds)
        what = f"{NAME}, {seconds:g} s"
        row = compare(
            what, partial(embed, samples, ours), "by transformers", partial(embed, samples, theirs), options.pairs
        )
        rows.append(row)
        times_real_time[what] = seconds / row.ours_s
        print(f"{row}  {times_real_time[what]:.0f}", flush=True)
    if options.json:
        write_report(options.json, rows, {"times_real_time": times_real_time})


if __name__ == "__main__":
    main()
