"""Names and types of files as they are sent."""

import os

import pytest

from relaylib.client.names import content_type_of, sent_name
from relaylib.types import AUDIO_EXTENSIONS


def test_folders_are_not_sent():
    assert sent_name("/a/b/take.wav") == sent_name("take.wav") == "take.wav"


def test_letters_are_sent_composed():
    assert sent_name("u\u0308ber.wav") == "\u00fcber.wav"


def test_a_name_that_is_not_utf8_can_be_sent():
    assert sent_name(os.fsdecode(b"caf\xe9.wav")) == "caf\ufffd.wav"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.wav", "audio/wav"),
        ("a.MP3", "audio/mpeg"),
        ("a.m4a", "audio/mp4"),
        ("a.mp4", "audio/mp4"),
        ("a.ogg", "audio/ogg"),
        ("a.opus", "audio/ogg"),
        ("a.flac", "audio/flac"),
        ("a.webm", "audio/webm"),
        ("a.aac", "audio/aac"),
        ("a.unheardof", "application/octet-stream"),
        ("wav", "application/octet-stream"),
    ],
)
def test_the_ending_tells_the_type(name, kind):
    assert content_type_of(name) == kind


def test_every_ending_of_audio_has_a_type():
    for ending in AUDIO_EXTENSIONS:
        assert "/" in content_type_of(f"a{ending}")
