from __future__ import annotations

import os
import threading

import pytest
import soundfile
from bursts import with_bursts

from relaylib.widgets.sound.shelf import Shelf


@pytest.fixture
def takes(tmp_path):
    """Return four short recordings."""
    paths = [tmp_path / f"{k}.wav" for k in range(4)]
    for path in paths:
        soundfile.write(path, with_bursts(1, 16_000, [0.5]), 16_000)
    return paths


def used(shelf, path):
    """Take a decoding, wait for its end and give it back."""
    decoding = shelf.take(path)
    decoding.start()
    assert decoding.done.wait(10)
    shelf.give_back(decoding)
    return decoding


def is_open(decoding):
    try:
        return len(decoding.pcm.read(0, 10)) == 10
    except ValueError:
        return False


def test_a_file_opened_again_is_decoded_once(takes):
    shelf = Shelf()
    first = used(shelf, takes[0])
    assert shelf.take(takes[0]) is first
    assert is_open(first)


def test_two_users_share_it_until_the_last_one_goes(takes):
    """With nothing kept, it is there as long as somebody uses it."""
    shelf = Shelf(n_kept=0)
    one, two = shelf.take(takes[0]), shelf.take(takes[0])
    assert one is two
    one.start()
    two.start()
    assert one.done.wait(10)
    shelf.give_back(one)
    assert is_open(one)
    shelf.give_back(two)
    assert not is_open(one)


def test_those_used_last_are_kept(takes):
    """Of three with two places, the one that was not used for longest goes; one in use takes no place."""
    shelf = Shelf(n_kept=2)
    in_use = shelf.take(takes[3])
    in_use.start()
    assert in_use.done.wait(10)
    first, second = used(shelf, takes[0]), used(shelf, takes[1])
    used(shelf, takes[0])
    third = used(shelf, takes[2])
    assert [is_open(decoding) for decoding in (first, second, third, in_use)] == [True, False, True, True]
    assert shelf.take(takes[1]) is not second


def test_a_changed_file_is_decoded_anew(takes):
    shelf = Shelf()
    old = used(shelf, takes[0])
    soundfile.write(takes[0], with_bursts(2, 16_000, [0.5]), 16_000)
    new = used(shelf, takes[0])
    assert (old.duration_ms, new.duration_ms) == (1000, 2000)
    found = os.stat(takes[0])
    os.utime(takes[0], ns=(found.st_atime_ns, found.st_mtime_ns + 1))
    assert used(shelf, takes[0]) is not new


def test_what_failed_is_not_kept(takes):
    """It is tried again: the file may have been on its way."""
    takes[0].write_bytes(b"RIFF")
    shelf = Shelf()
    assert used(shelf, takes[0]).error
    assert shelf.take(takes[0]).error
    assert used(shelf, takes[0].with_name("absent.wav")).error


def test_one_that_is_not_whole_stops_with_its_last_user(takes):
    arrived, go_on = threading.Event(), threading.Event()
    soundfile.write(takes[0], with_bursts(60, 16_000, [0.5]), 16_000)
    shelf = Shelf()
    decoding = shelf.take(takes[0])
    decoding.listen(lambda: (arrived.set(), go_on.wait(20)))
    decoding.start()
    assert arrived.wait(10)
    threading.Timer(0.05, go_on.set).start()
    shelf.give_back(decoding)
    assert not is_open(decoding)
    assert decoding.n_decoded < 60 * 16_000
