"""Two ways to do the same, timed in turn: the ratio of their medians, and the facts of the machine it holds for."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

PACKAGES = ("numpy", "torch", "transformers", "soxr", "soundfile", "librosa", "scikit-learn", "litestar", "av")
FLAGS = ("amx_bf16", "amx_int8", "avx512_bf16", "avx512f", "avx2")


@dataclass(frozen=True)
class Row:
    """One comparison; `ratio` is how many times as fast as the peer we are, its spread the quartiles over pairs."""

    what: str
    peer: str
    ours_s: float
    peer_s: float
    ratio: float
    ratio_q25: float
    ratio_q75: float
    n_pairs: int

    def __str__(self) -> str:
        return (
            f"{self.what:44} {seconds(self.ours_s):>9} {seconds(self.peer_s):>9}  {self.ratio:6.2f}x "
            f"({self.ratio_q25:.2f}-{self.ratio_q75:.2f}, {self.n_pairs} pairs)  {self.peer}"
        )


HEADING = f"{'':44} {'relaylib':>9} {'peer':>9}  times as fast (quartiles)"


def compare(
    what: str,
    ours: Callable[[], object],
    peer_name: str,
    peer: Callable[[], object],
    n_pairs: int,
    *,
    clock: Callable[[], float] = time.perf_counter,
) -> Row:
    """Time both in turn, each first in every other pair, so that what else the machine does meets both alike.

    Each is called once before, untimed.
    """
    ours()
    peer()

    def timed(way: Callable[[], object]) -> float:
        start = clock()
        way()
        return clock() - start

    return of_times(what, peer_name, in_turn(lambda: timed(ours), lambda: timed(peer), n_pairs))


def in_turn(ours: Callable[[], float], peer: Callable[[], float], n_pairs: int) -> np.ndarray:
    """Return what both say that they took [shape=(n_pairs, 2); s], each asked first in every other pair."""
    times = np.empty((n_pairs, 2))
    for k in range(n_pairs):
        for which in (0, 1) if k % 2 else (1, 0):
            times[k, which] = (ours, peer)[which]()
    return times


def of_times(what: str, peer_name: str, times: np.ndarray) -> Row:
    """Return the comparison of times that were measured elsewhere [shape=(n_pairs, 2): ours, the peer's; s]."""
    low, high = np.percentile(times[:, 1] / times[:, 0], [25, 75]).tolist()
    ours_s, peer_s = np.median(times, axis=0).tolist()
    return Row(what, peer_name, ours_s, peer_s, peer_s / ours_s, low, high, len(times))


def seconds(value: float) -> str:
    """Return a time in the unit that suits it."""
    if value < 1:
        return f"{value * 1e3:.3g} ms"
    return f"{value:.3g} s" if value < 1000 else f"{value:.0f} s"


def machine() -> dict[str, Any]:
    """Return what the figures depend on: processor, cores, memory, versions, the day."""
    cpu = _cpuinfo()
    return {
        "date": time.strftime("%Y-%m-%d"),
        "processor": cpu.get("model name", platform.processor() or platform.machine()),
        "instructions": [flag for flag in FLAGS if flag in cpu.get("flags", "").split()],
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        "load": [round(value, 2) for value in os.getloadavg()],
        "system": platform.platform(),
        "python": platform.python_version(),
        "packages": {name: found for name in PACKAGES if (found := _version(name))},
    }


def write_report(path: Path, rows: Sequence[Row], facts: Mapping[str, Any] | None = None) -> None:
    """Write rows, further facts and the machine as JSON."""
    report = {"rows": [asdict(row) for row in rows], **(facts or {}), "machine": machine()}
    path.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


def _cpuinfo() -> dict[str, str]:
    try:
        text = Path("/proc/cpuinfo").read_text("utf-8").split("\n\n")[0]
    except OSError:
        return {}
    return {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in text.splitlines())}


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
