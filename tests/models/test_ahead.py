"""Reading ahead changes when things are made, and nothing else."""

import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relaylib.models.ahead import read_ahead


def threads():
    return [thread for thread in threading.enumerate() if thread.name == "relaylib-read-ahead"]


@given(st.lists(st.integers()), st.integers(1, 5))
def test_the_items_are_the_same_in_the_same_order(items, n):
    assert list(read_ahead(iter(items), n)) == items
    assert threads() == []


def test_the_next_items_are_made_before_they_are_asked_for_but_no_more_than_fit():
    made = []
    third = threading.Event()

    def items():
        for k in range(100):
            made.append(k)
            if k == 3:
                third.set()
            yield k

    ahead = read_ahead(items(), 2)
    assert next(ahead) == 0
    assert third.wait(10)  # items 1 and 2 wait, 3 is made and finds no room
    time.sleep(0.05)
    assert made == [0, 1, 2, 3]
    assert list(ahead) == list(range(1, 100))


def test_an_error_comes_where_it_would_have_come():
    def items():
        yield 1
        raise OSError("the disk is gone")

    ahead = read_ahead(items(), 4)
    assert next(ahead) == 1
    with pytest.raises(OSError, match="the disk is gone"):
        next(ahead)
    assert threads() == []


def test_what_is_given_up_ends_and_is_closed():
    closed = threading.Event()

    def items():
        try:
            yield from range(1_000_000)
        finally:
            closed.set()

    ahead = read_ahead(items(), 3)
    next(ahead)
    ahead.close()
    assert threads() == []
    assert closed.wait(10)
