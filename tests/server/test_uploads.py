"""What uploads to datasets and to inference jobs have in common."""

from uuid import uuid4

import pytest

from relaylib.api import ConfirmAudio, ConfirmFile, CreateAudioUpload, CreateFileUpload
from relaylib.server.errors import InvalidError
from relaylib.server.uploads import (
    CONTENT_TYPES,
    DeclaredFile,
    check_content_type,
    confirmed_id,
    declared_file,
    declared_size,
    extension,
)


def audio(**sizes):
    return CreateAudioUpload("a.wav", "audio/wav", **sizes)


def locs(error):
    return [problem.loc for problem in error.value.problems]


@pytest.mark.row("A1")
@pytest.mark.row("F1")
@pytest.mark.parametrize("kind", [CreateAudioUpload, CreateFileUpload])
@pytest.mark.parametrize(
    "sizes",
    [{"file_size": 7}, {"file_size_bytes": 7}, {"file_size": 7, "file_size_bytes": 7}],
)
def test_a_size_is_taken_by_either_name(kind, sizes):
    assert declared_size(kind(filename="a", content_type="audio/wav", **sizes), max_bytes=7) == 7


@pytest.mark.row("A1")
@pytest.mark.row("F1")
def test_without_a_size_the_name_that_the_call_documents_is_missing():
    with pytest.raises(InvalidError, match="field required") as error:
        declared_size(audio(), max_bytes=7)
    assert locs(error) == [["body", "file_size"]]
    assert error.value.problems[0].type == "value_error.missing"
    with pytest.raises(InvalidError, match="field required") as error:
        declared_size(CreateFileUpload("a.wav"), max_bytes=7)
    assert locs(error) == [["body", "file_size_bytes"]]


@pytest.mark.row("A1")
def test_sizes_that_disagree_or_are_too_large_are_refused():
    with pytest.raises(InvalidError, match="differs") as error:
        declared_size(audio(file_size=1, file_size_bytes=2), max_bytes=7)
    assert locs(error) == [["body", "file_size_bytes"]]
    with pytest.raises(InvalidError, match="at most 7 bytes") as error:
        declared_size(audio(file_size=8), max_bytes=7)
    assert locs(error) == [["body", "file_size"]]


@pytest.mark.row("A1")
@pytest.mark.parametrize("content_type", CONTENT_TYPES)
def test_documented_types_are_taken_as_they_are(content_type):
    assert check_content_type(content_type) == content_type


@pytest.mark.row("A1")
@pytest.mark.parametrize(
    ("given", "documented"),
    [
        ("audio/x-wav", "audio/wav"),
        ("audio/wave", "audio/wav"),
        ("audio/mp3", "audio/mpeg"),
        ("audio/x-m4a", "audio/mp4"),
        ("audio/x-flac", "audio/flac"),
        ("Audio/WAV", "audio/wav"),
        ("audio/webm;codecs=opus", "audio/webm"),
        ("audio/x-wav ; rate=16000; channels=1", "audio/wav"),
    ],
)
def test_aliases_and_parameters_lead_to_a_documented_type(given, documented):
    assert check_content_type(given) == documented


@pytest.mark.row("A1")
@pytest.mark.parametrize("given", ["", ";", "audio", "audio/midi", "text/plain", "video/mp4", "wav"])
def test_other_types_are_refused_with_the_list(given):
    with pytest.raises(InvalidError, match="audio/wav, audio/mpeg") as error:
        check_content_type(given)
    assert locs(error) == [["body", "content_type"]]


@pytest.mark.row("A1")
def test_a_declaration_names_all_that_is_wrong_with_it():
    assert declared_file(audio(file_size=7), max_bytes=7) == DeclaredFile("a.wav", "audio/wav", 7)
    with pytest.raises(InvalidError) as error:
        declared_file(CreateAudioUpload("a.txt", "text/plain"), max_bytes=7)
    assert locs(error) == [["body", "content_type"], ["body", "file_size"]]


@pytest.mark.row("A2")
@pytest.mark.row("F3")
@pytest.mark.parametrize(("kind", "own_name"), [(ConfirmAudio, "audio_id"), (ConfirmFile, "file_id")])
def test_a_confirmation_names_the_record_by_either_name(kind, own_name):
    one, two = uuid4(), uuid4()
    assert confirmed_id(kind(audio_id=one)) == confirmed_id(kind(file_id=one)) == one
    assert confirmed_id(kind(audio_id=one, file_id=one)) == one
    with pytest.raises(InvalidError, match="field required") as error:
        confirmed_id(kind())
    assert locs(error) == [["body", own_name]]
    with pytest.raises(InvalidError, match="differs") as error:
        confirmed_id(kind(audio_id=one, file_id=two))
    assert locs(error) == [["body", "file_id"]]


@pytest.mark.parametrize(
    ("filename", "ending"),
    [
        ("a.wav", ".wav"),
        ("A.Take 2.FLAC", ".flac"),
        ("../../etc/passwd", ""),
        ("a.wav/..", ""),
        ("evil.wav\n", ""),
        (".mp3", ""),
        ("a.exe", ""),
        ("", ""),
    ],
)
def test_only_endings_of_audio_files_get_into_keys(filename, ending):
    assert extension(filename) == ending
