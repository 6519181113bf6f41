"""What two processes that embed at the same time cost each other, by how long threads wait busily for each other.

Each process encodes clips of 10 s with the default encoder, or a base-sized one with random weights; both begin at the
same moment. "relaylib" waits as `import relaylib` has it, the peer as GNU OpenMP does when nobody says anything. One
process alone is measured as well: there, waiting busily is what might pay.

    python benchmarks/side_by_side.py [--seconds 6] [--pairs 7] [--encoder speech-small wav2vec2-base] [--json FILE]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

import numpy as np
from embed import MODELS, make_checkpoint, quiet
from lib.encoding import CLIP_S
from lib.pairs import HEADING, Row, in_turn, of_times, write_report

BUSY = {"GOMP_SPINCOUNT": "300000"}
"""What GNU OpenMP takes where neither this nor OMP_WAIT_POLICY is set."""


def side_by_side(n_processes: int, environment: dict[str, str], name: str, seconds: float) -> float:
    """Return the mean time of a clip, in s, in so many processes at once."""
    command = [sys.executable, "-m", "lib.encoding", name, str(seconds)]
    own = {key: value for key, value in os.environ.items() if key not in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")}
    running = [
        subprocess.Popen(
            command,
            cwd=Path(__file__).parent,
            env={**own, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        for _ in range(n_processes)
    ]
    for process in running:
        assert process.stdout is not None
        if process.stdout.readline().strip() != "ready":
            raise SystemExit(f"this failed: {' '.join(command)}")
    for process in running:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    return float(np.mean([float(process.communicate()[0]) for process in running]))


def compared(name: str, model: str, n_processes: int, options: argparse.Namespace) -> Row:
    """Time both ways to wait in turn."""
    ours, busy = (partial(side_by_side, n_processes, said, model, options.seconds) for said in ({}, BUSY))
    times = in_turn(ours, busy, options.pairs)
    return of_times(f"{name}, {CLIP_S} s, {n_processes} at once", "busy waiting", times)


def main() -> None:
    """Run the comparisons and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=6, help="how long each process encodes")
    parser.add_argument("--pairs", type=int, default=7, help="timed pairs of each comparison")
    parser.add_argument(
        "--encoder", nargs="+", choices=["speech-small", *MODELS], default=["speech-small", "wav2vec2-base"]
    )
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    quiet()
    rows = []
    print(HEADING)
    with tempfile.TemporaryDirectory() as scratch:
        for name in options.encoder:
            model = str(make_checkpoint(Path(scratch) / name, name)) if name in MODELS else name
            for n_processes in (1, 2):
                rows.append(compared(name, model, n_processes, options))
                print(rows[-1], flush=True)
    if options.json:
        write_report(options.json, rows)


if __name__ == "__main__":
    main()
