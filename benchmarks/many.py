"""How fast many recordings are embedded, several at a time with a core for each, against one after the other.

It embeds the speech that comes with the package, laid end to end and cut into clips that are equally long. Both give
the same to the last digit, which is looked at.

    python benchmarks/many.py [--seconds 3 10 20 60] [--clips 24] [--encoder speech-small] [--pairs 7] [--json FILE]
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from lib.pairs import HEADING, compare, write_report
from shipped import speech

from relaylib.models import Encoder, embed, load_encoder, map_recordings
from relaylib.types import Frames

Clips = Sequence[np.ndarray]


def several_at_a_time(clips: Clips, encoder: Encoder) -> list[Frames]:
    """Embed each clip as the library does it."""
    return list(map_recordings(lambda clip: embed(clip, encoder), clips, encoder))


def one_by_one(clips: Clips, encoder: Encoder) -> list[Frames]:
    """Embed each clip on all cores."""
    return [embed(clip, encoder) for clip in clips]


def main() -> None:
    """Run the comparisons and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, nargs="+", default=[3, 10, 20, 60], help="lengths")
    parser.add_argument("--clips", type=int, default=24, help="how many there are")
    parser.add_argument("--encoder", default="speech-small")
    parser.add_argument("--pairs", type=int, default=7, help="timed pairs of each comparison")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()

    encoder = load_encoder(options.encoder)
    rows, times_real_time = [], {}
    print(f"{HEADING}; then times real time")
    for seconds in options.seconds:
        clips = np.split(speech(seconds * options.clips), options.clips)
        for own, expected in zip(several_at_a_time(clips, encoder), one_by_one(clips, encoder), strict=True):
            assert np.array_equal(own.embeddings, expected.embeddings)
        what = f"{options.clips} clips of {seconds:g} s"
        ours, theirs = partial(several_at_a_time, clips, encoder), partial(one_by_one, clips, encoder)
        row = compare(what, ours, "one by one", theirs, options.pairs)
        rows.append(row)
        times_real_time[what] = seconds * options.clips / row.ours_s
        print(f"{row}  {times_real_time[what]:.0f}", flush=True)
    if options.json:
        write_report(options.json, rows, {"times_real_time": times_real_time})


if __name__ == "__main__":
    main()
