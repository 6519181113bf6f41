"""How many workers there are by default follows from what the process may use, not from what the machine has."""

import os
import subprocess
import sys

import pytest

SHOWN = "from relaylib.server.cores import usable_cores; print(usable_cores())"


def counted(**limits):
    done = subprocess.run([sys.executable, "-c", SHOWN], capture_output=True, text=True, check=True, **limits)
    return int(done.stdout)


def test_without_limits_it_is_all_cores_at_most():
    assert 1 <= counted() <= (os.cpu_count() or 1)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system binds no process to cores")
def test_a_process_that_is_bound_to_one_core_has_one():
    assert counted(preexec_fn=lambda: os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])) == 1


def test_half_of_them_work(tmp_path):
    """As `--help` says."""
    shown = subprocess.run(
        [sys.executable, "-m", "relaylib.server", "--help"], capture_output=True, text=True, check=True, cwd=tmp_path
    ).stdout
    words = " ".join(shown.split())
    assert f"RELAY_WORKERS; default: {max(2, counted() // 2)}" in words
