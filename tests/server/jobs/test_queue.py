"""Jobs asked for and called off, in the transaction of the caller."""

import asyncio
from datetime import datetime, timezone
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import func, select, update

from relaylib.server.database import Database, database_url
from relaylib.server.database.tables import JobRow, TenantRow
from relaylib.server.jobs import queue


@pytest.fixture
def run(fresh_database_url):
    """Give a function that runs a scenario with a fresh database and a tenant's id."""
    url = database_url(fresh_database_url, data_dir=Path())

    def run_scenario(scenario):
        async def body():
            database = Database(url)
            async with database.write() as session:
                tenant = TenantRow(name="one")
                session.add(tenant)
            try:
                return await scenario(database, tenant.id)
            finally:
                await database.close()

        return asyncio.run(body())

    return run_scenario


async def change(database, **values):
    async with database.write() as session:
        await session.execute(update(JobRow).values(**values))


async def only_job(database):
    async with database.read() as session:
        return (await session.scalars(select(JobRow))).one()


async def add(database, tenant_id, subject_id, **options):
    async with database.write() as session:
        await queue.add(session, kind="k", subject_id=subject_id, tenant_id=tenant_id, **options)


def test_a_job_added_twice_is_one_job_and_keeps_its_place(run):
    async def scenario(database, tenant_id):
        subject = uuid4()
        await add(database, tenant_id, subject, priority=2)
        first = await only_job(database)
        await asyncio.gather(*(add(database, tenant_id, subject) for _ in range(10)))
        return first, await only_job(database)

    first, last = run(scenario)
    assert (last.id, last.created_at, last.priority, last.state) == (first.id, first.created_at, 2, "queued")


@pytest.mark.parametrize("state", ["done", "failed", "cancelled"])
def test_a_job_that_is_over_is_queued_anew(run, state):
    async def scenario(database, tenant_id):
        subject = uuid4()
        await add(database, tenant_id, subject)
        await change(database, state=state, attempts=3, progress=0.7, error="x", cancel_requested=True)
        await add(database, tenant_id, subject, priority=1)
        return await only_job(database)

    row = run(scenario)
    assert (row.state, row.attempts, row.progress, row.error) == ("queued", 0, 0.0, None)
    assert (row.cancel_requested, row.priority) == (False, 1)


def test_a_running_job_is_left_alone_unless_it_is_about_to_be_cancelled(run):
    async def scenario(database, tenant_id):
        subject, token = uuid4(), uuid4()
        await add(database, tenant_id, subject)
        await change(database, state="running", lease_token=token, lease_owner="a")
        await add(database, tenant_id, subject)
        left = await only_job(database)
        await change(database, cancel_requested=True)
        await add(database, tenant_id, subject)
        return token, left, await only_job(database)

    token, left, anew = run(scenario)
    assert (left.state, left.lease_token) == ("running", token)
    assert (anew.state, anew.lease_token, anew.cancel_requested) == ("queued", None, False)


def test_cancelling_ends_what_waits_and_marks_what_runs(run):
    async def scenario(database, tenant_id):
        waiting, running, over, other = (uuid4() for _ in range(4))
        for subject in (waiting, running, over, other):
            await add(database, tenant_id, subject)
        async with database.write() as session:
            await session.execute(update(JobRow).where(JobRow.subject_id == running).values(state="running"))
            await session.execute(update(JobRow).where(JobRow.subject_id == over).values(state="done"))
        async with database.write() as session:
            await queue.cancel(session, kind="k", subject_ids=[waiting, running, over, uuid4()])
            await queue.cancel(session, kind="another", subject_ids=[other])
            await queue.cancel(session, kind="k", subject_ids=[])
        async with database.read() as session:
            rows = {row.subject_id: (row.state, row.cancel_requested) for row in await session.scalars(select(JobRow))}
        return [rows[subject] for subject in (waiting, running, over, other)]

    assert run(scenario) == [("cancelled", True), ("running", True), ("done", False), ("queued", False)]


def test_cancelling_a_job_between_two_tries_leaves_nothing_of_its_pause(run):
    async def scenario(database, tenant_id):
        subject = uuid4()
        await add(database, tenant_id, subject)
        await change(database, attempts=1, lease_expires_at=datetime.now(timezone.utc))
        async with database.write() as session:
            await queue.cancel(session, kind="k", subject_ids=[subject])
        return await only_job(database)

    row = run(scenario)
    assert (row.state, row.lease_expires_at) == ("cancelled", None)


def test_more_jobs_than_fit_one_statement_are_cancelled_and_forgotten(run):
    async def scenario(database, tenant_id):
        subjects = [uuid4() for _ in range(1203)]
        async with database.write() as session:
            for subject in subjects:
                session.add(JobRow(kind="k", subject_id=subject, tenant_id=tenant_id))
            await session.flush()
            await queue.cancel(session, kind="k", subject_ids=subjects)
            n_cancelled = await session.scalar(
                select(func.count()).select_from(JobRow).where(JobRow.state == "cancelled")
            )
            await queue.forget(session, kind="k", subject_ids=subjects[1:])
        return n_cancelled, (await only_job(database)).subject_id == subjects[0]

    assert run(scenario) == (1203, True)


def test_a_transaction_that_fails_adds_no_job(run):
    async def add_and_fail(database, tenant_id):
        async with database.write() as session:
            await queue.add(session, kind="k", subject_id=uuid4(), tenant_id=tenant_id)
            raise RuntimeError

    async def scenario(database, tenant_id):
        with pytest.raises(RuntimeError):
            await add_and_fail(database, tenant_id)
        async with database.read() as session:
            return await session.scalar(select(func.count()).select_from(JobRow))

    assert run(scenario) == 0
