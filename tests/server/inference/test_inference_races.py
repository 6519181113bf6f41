"""Requests about the same inference job at the same time, in transactions of their own."""

import asyncio
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from relaylib.api import ConfirmFile
from relaylib.server.context import Caller
from relaylib.server.database.tables import InferenceFileRow, InferenceJobRow, JobRow, ModelRow
from relaylib.server.errors import RefusedError
from relaylib.server.inference.files import InferenceFiles
from relaylib.server.inference.service import InferenceJobs
from relaylib.server.jobs import queue
from relaylib.server.models.service import Models


@pytest.fixture
def together(seeds, app, call):
    """Give a function that runs calls of services side by side; what they raise is returned."""
    caller = Caller(tenant_id=seeds.tenant_id, key_id=uuid4(), base_url="")

    def run(*requests):
        async def gather():
            made = [request(app.state.context, caller) for request in requests]
            return await asyncio.gather(*made, return_exceptions=True)

        return call(gather)

    return run


@pytest.fixture
def uploaded(seeds, app, tmp_path):
    """Give a function that makes a file of a job which has been uploaded and not confirmed."""

    def make(job_id):
        key = f"inference/{uuid4()}"
        (tmp_path / "upload").write_bytes(b"RIFF")
        app.state.context.store.put_file(key, tmp_path / "upload")
        return seeds.file(job_id, "pending", object_key=key)

    return make


def confirming(job_id, file_id):
    return lambda context, caller: InferenceFiles(context, caller).confirm(job_id, ConfirmFile(file_id))


def cancelling(job_id):
    return lambda context, caller: InferenceJobs(context, caller).cancel(job_id)


def deleting(model_id):
    return lambda context, caller: Models(context, caller).delete(model_id)


@pytest.mark.row("F3")
def test_confirmations_at_once_queue_each_file_once(seeds, together, uploaded):
    job_id = seeds.inference_job()
    file_ids = [uploaded(job_id) for _ in range(3)]
    answers = together(*(confirming(job_id, file_id) for file_id in file_ids * 3))
    assert [answer.status for answer in answers] == ["queued"] * 9
    assert seeds.write(lambda session: session.scalar(select(func.count()).select_from(JobRow))) == 3


@pytest.mark.row("I4")
def test_a_job_is_cancelled_once(seeds, together):
    job_id = seeds.inference_job(status="processing")
    seeds.file(job_id)
    answers = together(*[cancelling(job_id)] * 4)
    assert sorted(isinstance(answer, RefusedError) for answer in answers) == [False, True, True, True]


@pytest.mark.row("F3")
@pytest.mark.row("I4")
def test_a_file_confirmed_while_its_job_is_cancelled_is_refused_or_fails(seeds, together, uploaded):
    """It is never left queued."""
    for _ in range(5):
        job_id = seeds.inference_job()
        file_id = uploaded(job_id)
        confirmed, cancelled = together(confirming(job_id, file_id), cancelling(job_id))
        assert cancelled.status == "cancelled"
        was_refused = isinstance(confirmed, RefusedError)
        assert seeds.get(InferenceFileRow, file_id).status == ("pending" if was_refused else "failed")
        assert seeds.get(InferenceJobRow, job_id).status == "cancelled"


@pytest.mark.row("F3")
@pytest.mark.row("M4")
def test_a_model_is_not_deleted_under_a_file_that_is_being_confirmed(seeds, together, uploaded, monkeypatch):
    """The deletion comes while the confirmation has looked at the model and not ended yet."""
    queue_at_once = queue.add

    async def queue_late(*args, **options):
        await asyncio.sleep(0.4)
        await queue_at_once(*args, **options)

    def deleting_later(context, caller):
        async def delete():
            await asyncio.sleep(0.2)
            await Models(context, caller).delete(model_id)

        return delete()

    monkeypatch.setattr(queue, "add", queue_late)
    model_id = seeds.model()
    job_id = seeds.inference_job(model_id)
    confirmed, deleted = together(confirming(job_id, uploaded(job_id)), deleting_later)
    assert confirmed.status == "queued"
    assert isinstance(deleted, RefusedError)
    assert seeds.get(ModelRow, model_id) is not None


@pytest.mark.row("F3")
@pytest.mark.row("M4")
def test_of_a_confirmation_and_a_deletion_of_the_model_one_is_refused(seeds, together, uploaded):
    for _ in range(5):
        model_id = seeds.model()
        job_id = seeds.inference_job(model_id)
        answers = together(confirming(job_id, uploaded(job_id)), deleting(model_id))
        was_refused = [isinstance(answer, RefusedError) for answer in answers]
        assert sorted(was_refused) == [False, True]
        assert (seeds.get(ModelRow, model_id) is None) == was_refused[0]
