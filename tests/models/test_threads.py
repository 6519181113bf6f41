"""Threads beside each other take as many cores as there are, and give them back."""

import threading

import pytest
import torch

from relaylib.models.threads import beside, single_threads, take_free_cores


@pytest.fixture(autouse=True)
def four_cores(one_thread):
    torch.set_num_threads(4)


def test_cores_come_back_as_calls_end():
    gates = [threading.Event(), threading.Event()]

    def wait(gate):
        gate.wait(30)
        return torch.get_num_threads()

    with beside([lambda gate=gate: wait(gate) for gate in gates]) as futures:
        seen = [torch.get_num_threads()]  # for work that depends on it, nothing changes
        take_free_cores()
        seen.append(torch.get_num_threads())
        for gate, future in zip(gates, futures, strict=True):
            gate.set()
            future.result()
            take_free_cores()
            seen.append(torch.get_num_threads())
    assert seen == [4, 2, 3, 4]
    assert [future.result() for future in futures] == [1, 1]
    assert torch.get_num_threads() == 4


def test_one_core_is_left_however_many_calls_there_are():
    gate = threading.Event()
    with beside([lambda: gate.wait(30)] * 6):
        take_free_cores()
        assert torch.get_num_threads() == 1
        gate.set()
    assert torch.get_num_threads() == 4


def test_an_error_in_either_thread_comes_through_and_cores_are_given_back():
    with pytest.raises(KeyError), beside([lambda: {}["absent"]]) as (future,):
        future.result()
    assert torch.get_num_threads() == 4
    with pytest.raises(ZeroDivisionError), beside([lambda: None]):
        raise ZeroDivisionError
    assert torch.get_num_threads() == 4
    take_free_cores()  # nothing is beside this thread any more
    assert torch.get_num_threads() == 4


def test_what_is_beside_a_call_is_no_concern_of_the_thread_around():
    gate = threading.Event()
    with beside([lambda: gate.wait(30)]):
        take_free_cores()
        with beside([lambda: None]) as (inner,):
            inner.result()
            take_free_cores()
            assert torch.get_num_threads() == 3
        assert torch.get_num_threads() == 3
        gate.set()
    assert torch.get_num_threads() == 4


def test_a_pool_of_single_threads_leaves_one_thread_here():
    with single_threads(3) as pool:
        assert {torch.get_num_threads(), *pool.map(lambda _: torch.get_num_threads(), range(6))} == {1}
    assert torch.get_num_threads() == 4
