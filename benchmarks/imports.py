"""How long an import, or loading an encoder, takes in a fresh interpreter, its start included, and what memory.

The peer of loading is the same by transformers (`precision="reference"`).

python benchmarks/imports.py [--pairs 9] [--json FILE]
"""

from __future__ import annotations

import argparse
import functools
import subprocess
import sys
from pathlib import Path

from lib.pairs import HEADING, compare, write_report

IMPORT = "import relaylib"
LOAD = "import relaylib; relaylib.load_encoder('speech-small')"
BY_TRANSFORMERS = "import relaylib; relaylib.load_encoder('speech-small', precision='reference')"
# what, its code, the peer, its code
PAIRS = [
    ("import relaylib", IMPORT, "import librosa", "import librosa; librosa.load"),
    ("import relaylib", IMPORT, "import torch", "import torch"),
    ("load speech-small", LOAD, "by transformers", BY_TRANSFORMERS),
]
PEAK = "; import resource; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)"


def run(code: str) -> str:
    """Run code in a fresh interpreter and return what it prints."""
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout


def main() -> None:
    """Time the import against those of peers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=9, help="timed pairs of each comparison")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()

    rows = [
        compare(what, functools.partial(run, code), peer, functools.partial(run, peers), options.pairs)
        for what, code, peer, peers in PAIRS
    ]
    codes = {name: code for pair in PAIRS for name, code in (pair[:2], pair[2:])}
    memory = {name: int(run(code + PEAK)) for name, code in codes.items()}
    print(HEADING, *rows, sep="\n")
    print("peak memory: " + ", ".join(f"{name} {megabytes} MB" for name, megabytes in memory.items()))
    if options.json:
        write_report(options.json, rows, {"peak_memory_mb": memory})


if __name__ == "__main__":
    main()
