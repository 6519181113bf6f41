"""Threads beside each other take as many cores as there are, help each other, and give the cores back."""

import threading
import time
from functools import partial

import pytest
import torch

from relaylib.models.threads import side_by_side, single_threads, spread, take_free_cores


@pytest.fixture(autouse=True)
def four_cores(one_thread):
    torch.set_num_threads(4)


def after(gate, result=None):
    gate.wait(30)
    return result


def who():
    time.sleep(0.01)  # so that one thread cannot take them all before another has begun
    return threading.get_ident(), torch.get_num_threads()


def test_results_come_in_order_and_the_last_call_is_made_here():
    here = threading.get_ident()
    threads = side_by_side([threading.get_ident] * 3)
    assert threads[-1] == here
    assert here not in threads[:-1]
    assert side_by_side([lambda k=k: k for k in range(5)]) == [0, 1, 2, 3, 4]


def test_cores_come_back_as_calls_end():
    gates = [threading.Event(), threading.Event()]
    seen = []

    def last():
        seen.append(torch.get_num_threads())  # for work that depends on it, nothing changes
        take_free_cores()
        seen.append(torch.get_num_threads())
        for gate, n_free in zip(gates, (3, 4), strict=True):
            gate.set()
            until = time.monotonic() + 30
            while torch.get_num_threads() < n_free and time.monotonic() < until:
                take_free_cores()
            seen.append(torch.get_num_threads())

    *others, _ = side_by_side([*[lambda gate=gate: after(gate, torch.get_num_threads()) for gate in gates], last])
    assert seen == [4, 2, 3, 4]
    assert others == [1, 1]
    assert torch.get_num_threads() == 4


def test_one_core_is_left_however_many_calls_there_are():
    gate = threading.Event()

    def last():
        take_free_cores()
        gate.set()
        return torch.get_num_threads()

    assert side_by_side([*[lambda: after(gate)] * 6, last])[-1] == 1
    assert torch.get_num_threads() == 4


def test_on_a_single_core_calls_are_made_one_after_the_other_in_this_thread():
    torch.set_num_threads(1)
    here = threading.get_ident(), 1
    assert side_by_side([who] * 3) == [here] * 3
    assert spread([who] * 3) == [here] * 3


@pytest.mark.parametrize("failing", [0, 1])
def test_an_error_of_either_call_comes_through_when_the_other_has_ended(failing):
    ended = []
    calls = [lambda: ended.append(True), lambda: ended.append(True)]
    calls[failing] = lambda: {}["absent"]
    with pytest.raises(KeyError, match="absent"):
        side_by_side(calls)
    assert ended == [True]
    assert torch.get_num_threads() == 4
    take_free_cores()  # nothing is beside this thread any more
    assert torch.get_num_threads() == 4


def test_what_is_beside_a_call_is_no_concern_of_the_thread_around():
    gate = threading.Event()

    def last():
        take_free_cores()
        before = torch.get_num_threads()
        inner = side_by_side([lambda: None, lambda: (take_free_cores(), torch.get_num_threads())[-1]])[-1]
        after_it = torch.get_num_threads()
        gate.set()
        return before, inner, after_it

    before, inner, after_it = side_by_side([lambda: after(gate), last])[-1]
    assert before == after_it == 3
    assert inner in (2, 3)  # whether the other has ended yet


def test_a_thread_that_is_done_takes_part_of_what_another_has_left():
    torch.set_num_threads(2)
    done = threading.Event()
    shares = side_by_side([lambda: spread([who] * 8), done.set])[0]
    assert done.is_set()
    assert {n_threads for _, n_threads in shares} == {1}
    assert len({thread for thread, _ in shares}) == 2


def test_what_the_last_call_divides_goes_before_what_others_do():
    """A thread with parts of its own left makes those of the last call first."""
    torch.set_num_threads(2)
    offered, taken, order = threading.Event(), threading.Event(), []

    def own(k):
        if k == 0:
            offered.wait(30)
        order.append(("own", k, threading.get_ident()))

    def shared(k):
        offered.set()
        if k == 0:
            taken.wait(30)
        else:
            taken.set()
        order.append(("shared", k, threading.get_ident()))

    side_by_side(
        [lambda: spread([partial(own, k) for k in range(3)]), lambda: spread([partial(shared, 0), partial(shared, 1)])]
    )
    calls = [(kind, k) for kind, k, _ in order]
    assert calls.index(("shared", 1)) < calls.index(("own", 1))
    threads = {(kind, k): thread for kind, k, thread in order}
    assert threads["shared", 1] == threads["own", 0] != threads["shared", 0] == threading.get_ident()


def test_cores_that_no_call_needs_help():
    """And are free for products when they do not."""

    def last():
        parts = spread([who] * 12)
        until = time.monotonic() + 30
        while torch.get_num_threads() != 3 and time.monotonic() < until:  # helpers are about to be done
            take_free_cores()
        gate.set()
        return parts, torch.get_num_threads()

    gate = threading.Event()
    parts, n_threads = side_by_side([lambda: after(gate), last])[-1]
    assert 1 < len({thread for thread, _ in parts}) <= 3  # the fourth is with the other call
    assert n_threads == 3
    assert side_by_side([lambda: spread([]), lambda: None]) == [[], None]


def test_parts_are_made_on_all_cores_and_their_results_come_in_order():
    assert spread([]) == []
    found = spread([lambda k=k: (k, *who()) for k in range(12)])
    assert [k for k, *_ in found] == list(range(12))
    assert {n_threads for *_, n_threads in found} == {1}
    assert len({thread for _, thread, _ in found}) == 4
    assert torch.get_num_threads() == 4


def test_the_first_error_of_a_part_comes_through_and_all_parts_are_made():
    made = []

    def part(k):
        made.append(k)
        if k in (2, 5):
            raise ValueError(k)

    with pytest.raises(ValueError, match="2"):
        spread([lambda k=k: part(k) for k in range(8)])
    assert sorted(made) == list(range(8))
    assert torch.get_num_threads() == 4


@pytest.mark.parametrize("inference", [True, False])
def test_a_part_is_made_in_the_mode_of_the_thread_that_divides(inference):
    with torch.inference_mode(inference):
        assert spread([lambda: (who(), torch.is_inference_mode_enabled())[1]] * 6) == [inference] * 6


def test_where_no_thread_can_be_had_it_is_an_error_and_no_wait(monkeypatch):
    start = threading.Thread.start
    started = []

    def refuse(thread):
        if started:
            raise RuntimeError("can't start new thread")
        started.append(thread)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(RuntimeError, match="can't start"):
        side_by_side([lambda: time.sleep(0.05), lambda: None, lambda: None])
    monkeypatch.undo()
    started[0].join(30)
    assert not started[0].is_alive()
    assert torch.get_num_threads() == 4


def test_a_pool_of_single_threads_leaves_one_thread_here():
    with single_threads(3) as pool:
        assert {torch.get_num_threads(), *pool.map(lambda _: torch.get_num_threads(), range(6))} == {1}
    assert torch.get_num_threads() == 4
