"""How long an import takes in a fresh interpreter, its start included, and how much memory it holds then.

python benchmarks/imports.py [--pairs 9] [--json FILE]
"""

from __future__ import annotations

import argparse
import functools
import subprocess
import sys
from pathlib import Path

from lib.pairs import HEADING, compare, write_report

PEERS = {"import librosa": "import librosa; librosa.load", "import torch": "import torch"}
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
        compare("import relaylib", lambda: run("import relaylib"), name, functools.partial(run, code), options.pairs)
        for name, code in PEERS.items()
    ]
    codes = {"import relaylib": "import relaylib", **PEERS}
    memory = {name: int(run(code + PEAK)) for name, code in codes.items()}
    print(HEADING, *rows, sep="\n")
    print("peak memory: " + ", ".join(f"{name} {megabytes} MB" for name, megabytes in memory.items()))
    if options.json:
        write_report(options.json, rows, {"peak_memory_mb": memory})


if __name__ == "__main__":
    main()
