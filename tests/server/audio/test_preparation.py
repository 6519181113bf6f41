"""How the dispatcher takes audio from confirmed to ready; and what becomes of uploads that never are."""

from datetime import datetime, timedelta, timezone
from uuid import UUID

import pytest
from sqlalchemy import func, select
from steps import NOWHERE

from relaylib.server.audio.abandoned import discard_abandoned
from relaylib.server.audio.processing import AudioPreparation
from relaylib.server.database.tables import AnnotationRow, AudioFileRow
from relaylib.server.jobs.tasks import PrepareAudio, Prepared, Progress

KIND = AudioPreparation()


@pytest.fixture
def dataset_id(seeds):
    return seeds.dataset()


@pytest.fixture
def work(seeds):
    """Give a function that calls a method of the kind in a transaction."""

    def do(method, audio_id, *args):
        return seeds.write(lambda session: getattr(KIND, method)(session, audio_id, *args))

    return do


def state(seeds, audio_id):
    row = seeds.get(AudioFileRow, audio_id)
    return row.processing_status, row.duration_ms, row.processing_error


@pytest.mark.row("A2")
def test_a_file_goes_through_the_documented_states(dataset_id, seeds, work):
    audio_id = seeds.audio(dataset_id, status="normalizing", original_filename="take 1.wav")
    key = seeds.get(AudioFileRow, audio_id).object_key
    work("waiting", audio_id)
    task = work("task", audio_id)
    assert task == PrepareAudio(key=key, filename="take 1.wav")
    work("progressed", audio_id, [Progress(0.0, "normalizing")])
    assert state(seeds, audio_id) == ("normalizing", None, None)
    work("progressed", audio_id, [Progress(0.1, "normalizing"), Progress(0.3, "embedding")])
    assert state(seeds, audio_id) == ("embedding", None, None)
    work("finished", audio_id, task, Prepared(12_345))
    assert state(seeds, audio_id) == ("ready", 12_345, None)


def test_a_second_attempt_does_not_take_the_status_back(dataset_id, seeds, work):
    audio_id = seeds.audio(dataset_id, status="embedding")
    assert work("task", audio_id) is not None
    work("progressed", audio_id, [Progress(0.0, "normalizing")])
    assert state(seeds, audio_id) == ("embedding", None, None)


@pytest.mark.parametrize("status", ["normalizing", "embedding"])
def test_a_failure_leaves_its_reason(dataset_id, seeds, work, status):
    audio_id = seeds.audio(dataset_id, status=status)
    work("failed", audio_id, "a.wav: is no audio")
    assert state(seeds, audio_id) == ("failed", None, "a.wav: is no audio")


@pytest.mark.parametrize("status", ["pending", "ready", "failed"])
def test_a_file_that_is_not_being_prepared_is_left_alone(dataset_id, seeds, work, status):
    audio_id = seeds.audio(dataset_id, duration_ms=300_000, status=status)
    before = state(seeds, audio_id)
    assert work("task", audio_id) is None
    work("progressed", audio_id, [Progress(0.3, "embedding")])
    work("finished", audio_id, None, Prepared(1))
    work("failed", audio_id, "late")
    assert state(seeds, audio_id) == before


def test_a_file_that_is_gone_is_nothing_to_do(seeds, work):
    assert work("task", UUID(NOWHERE)) is None
    work("progressed", UUID(NOWHERE), [Progress(0.3, "embedding")])
    work("finished", UUID(NOWHERE), None, Prepared(1))
    work("failed", UUID(NOWHERE), "late")


def test_uploads_are_abandoned_an_hour_after_they_expired(dataset_id, seeds):
    """Expired 61 minutes ago: gone, with its annotations; 59 minutes, or confirmed: kept."""
    hour_s, minute_s = 3600, 60
    gone = seeds.audio(dataset_id, status="pending", expires_in_s=-hour_s - minute_s)
    kept = [
        seeds.audio(dataset_id, status="pending", expires_in_s=-hour_s + minute_s),
        seeds.audio(dataset_id, status="normalizing", expires_in_s=-2 * hour_s),
        seeds.audio(dataset_id, status="ready", expires_in_s=-2 * hour_s),
    ]
    key = seeds.get(AudioFileRow, gone).object_key
    seeds.annotation_set(dataset_id, [(gone, "glitch", 0, 10), (kept[0], "glitch", 0, 10)], status="draft")
    assert seeds.write(lambda session: discard_abandoned(session, datetime.now(timezone.utc))) == [key]
    assert seeds.get(AudioFileRow, gone) is None
    assert all(seeds.get(AudioFileRow, audio_id) is not None for audio_id in kept)
    later = datetime.now(timezone.utc) + timedelta(minutes=2)
    assert len(seeds.write(lambda session: discard_abandoned(session, later))) == 1


def test_what_a_published_set_refers_to_is_not_abandoned(dataset_id, seeds):
    audio_id = seeds.audio(dataset_id, status="pending", expires_in_s=-7200)
    set_id = seeds.annotation_set(dataset_id, [(audio_id, "glitch", 0, 10)])
    seeds.annotation_set(dataset_id, [(audio_id, "glitch", 0, 10)], status="draft", version=2)
    assert seeds.write(lambda session: discard_abandoned(session, datetime.now(timezone.utc))) == []
    assert seeds.get(AudioFileRow, audio_id) is not None
    count = select(func.count()).where(AnnotationRow.annotation_set_id == set_id)
    assert seeds.write(lambda session: session.scalar(count)) == 1
