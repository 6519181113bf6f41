"""Calls that are made several at a time, each on a core of its own, and whose results come in order."""

import subprocess
import sys
import threading
import time
from itertools import count, islice

import numpy as np
import pytest
import torch

from relaylib.demo import load_demo
from relaylib.models import embed, load_encoder
from relaylib.models.given_up import stop_if_given_up
from relaylib.models.many import map_recordings
from relaylib.models.threads import in_order, side_by_side, spread, take_free_cores


@pytest.fixture(autouse=True)
def four_cores(one_thread):
    torch.set_num_threads(4)


def slow(k):
    time.sleep(0.02 * (k % 3))  # so that later ones are done before
    return k, threading.get_ident(), torch.get_num_threads()


def test_results_come_in_order_and_each_call_has_a_core():
    found = list(in_order(lambda k=k: slow(k) for k in range(20)))
    assert [k for k, *_ in found] == list(range(20))
    assert {n_threads for *_, n_threads in found} == {1}
    assert len({thread for _, thread, _ in found}) == 4
    assert threading.get_ident() not in {thread for _, thread, _ in found}
    assert torch.get_num_threads() == 4
    assert list(in_order([])) == []


@pytest.mark.parametrize(("n_cores", "n_calls"), [(1, 5), (4, 1)])
def test_on_one_core_or_alone_a_call_is_made_here_when_it_is_asked_for(n_cores, n_calls):
    torch.set_num_threads(n_cores)
    made = []

    def call(k):
        made.append(k)
        return threading.get_ident(), torch.get_num_threads()

    results = in_order(lambda k=k: call(k) for k in range(n_calls))
    for k in range(n_calls):
        assert made == list(range(k))
        assert next(results) == (threading.get_ident(), n_cores)


def test_calls_without_an_end_are_begun_a_few_dozen_ahead_at_most():
    begun = []
    results = in_order((lambda k=k: begun.append(k) or k) for k in count())
    assert list(islice(results, 10)) == list(range(10))
    until = time.monotonic() + 30
    while len(begun) < 73 and time.monotonic() < until:
        time.sleep(0.01)
    time.sleep(0.05)
    assert sorted(begun) == list(range(73))  # 64 beside the nine whose results were taken
    results.close()
    assert torch.get_num_threads() == 4


def test_an_error_is_raised_in_its_place_and_nothing_more_is_begun():
    begun = []

    def call(k):
        begun.append(k)
        if k == 5:
            raise ValueError(k)
        return k

    results = in_order(lambda k=k: call(k) for k in count())
    assert list(islice(results, 5)) == list(range(5))
    with pytest.raises(ValueError, match="5"):
        next(results)
    n_begun = len(begun)
    time.sleep(0.05)
    assert len(begun) == n_begun
    assert torch.get_num_threads() == 4


def test_an_error_of_what_gives_the_calls_is_raised_in_its_place():
    def calls():
        yield from (lambda k=k: k for k in range(7))
        raise OSError("gone")

    results = in_order(calls())
    assert list(islice(results, 7)) == list(range(7))
    with pytest.raises(OSError, match="gone"):
        next(results)


def test_what_is_given_up_ends_where_it_looks():
    working, ended = threading.Event(), []

    def endless(k):
        if k == 0:
            return k
        try:
            while True:
                working.set()
                stop_if_given_up()
                time.sleep(0.001)
        finally:
            ended.append(k)

    results = in_order(lambda k=k: endless(k) for k in range(5))
    assert next(results) == 0
    assert working.wait(30)
    results.close()
    assert 1 <= len(ended) <= 4
    stop_if_given_up()  # here, nothing was


def test_who_finds_no_further_call_helps_with_the_last_one():
    others = threading.Barrier(4)

    def part():
        time.sleep(0.02)
        return threading.get_ident()

    def call(k):
        others.wait(30)
        return side_by_side([lambda: spread([part] * 12), lambda: k]) if k == 3 else None

    *_, (parts, last) = in_order(lambda k=k: call(k) for k in range(4))
    assert last == 3
    assert len(set(parts)) == 4


def test_cores_are_shared_evenly_by_those_who_ask():
    both = threading.Barrier(2)
    torch.set_num_threads(2)

    def asked():
        take_free_cores()
        return torch.get_num_threads()

    def first():
        both.wait(30)
        found = asked()
        both.wait(30)
        return found

    def last():
        found = [first()]
        until = time.monotonic() + 30
        while asked() < 2 and time.monotonic() < until:
            time.sleep(0.001)
        return [*found, asked()]

    assert list(in_order([first, last])) == [1, [1, 2]]
    assert torch.get_num_threads() == 2


@pytest.mark.parametrize("name", ["spectral", "speech-small"])
def test_embeddings_are_the_same_to_the_last_digit(name):
    encoder, demo = load_encoder(name), load_demo()
    paths = [demo.audio_root / item.filename for item in demo.test.audio[:6]]
    alone = [embed(path, encoder).embeddings for path in paths]
    together = [frames.embeddings for frames in map_recordings(lambda path: embed(path, encoder), paths, encoder)]
    for own, found in zip(alone, together, strict=True):
        np.testing.assert_array_equal(found, own)


def test_elsewhere_than_on_a_cpu_it_is_one_after_the_other():
    class OnDevice:
        device = "cuda:0"

    here = threading.get_ident()
    assert list(map_recordings(lambda _: threading.get_ident(), range(3), OnDevice())) == [here] * 3


@pytest.mark.parametrize(
    ("code", "printed"),
    [
        ("results = iter(thousand()); next(results)", ""),
        ("threading.Thread(target=lambda: print(sum(thousand()))).start()", "1000\n"),
    ],
    ids=["of the program", "of a thread that goes on"],
)
def test_a_program_that_ends_leaves_what_nobody_takes_and_nothing_else(code, printed):
    """Python waits for all threads before it closes an iteration that is left: they waited for it, for ever."""
    setting = (
        "import threading, torch\n"
        "from relaylib.models.threads import in_order\n"
        "torch.set_num_threads(2)\n"
        "def thousand(): return in_order(lambda: 1 for _ in range(1000))\n"
    )
    done = subprocess.run([sys.executable, "-c", setting + code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, printed, "")
