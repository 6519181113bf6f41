"""Sessions: what a block keeps, and that writers wait for each other."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import func, select

from relaylib.errors import RelayError
from relaylib.server.database import UNUSABLE, Database, database_url
from relaylib.server.database.tables import DatasetRow, TenantRow


@pytest.fixture
def database(fresh_database_url):
    url = database_url(fresh_database_url, data_dir=Path())
    return Database(url)


def test_a_block_that_raises_keeps_nothing(database):
    async def break_off():
        async with database.write() as session:
            session.add(TenantRow(name="one"))
            await session.flush()
            raise RuntimeError

    async def scenario():
        with pytest.raises(RuntimeError):
            await break_off()
        async with database.read() as session:
            n_rows = await session.scalar(select(func.count()).select_from(TenantRow))
        await database.close()
        return n_rows

    assert asyncio.run(scenario()) == 0


def test_fifty_writers_at_once_all_get_through(database):
    """Each adds one to the same number: none is lost, none fails for the lock."""

    async def add_one(dataset_id):
        async with database.write() as session:
            row = await session.get(DatasetRow, dataset_id, with_for_update=not database.is_sqlite)
            row.n_versions += 1

    async def scenario():
        async with database.write() as session:
            tenant = TenantRow(name="one")
            session.add(tenant)
            await session.flush()
            dataset = DatasetRow(tenant_id=tenant.id, name="d", artifact_types=[{"name": "z"}, {"name": "a"}])
            session.add(dataset)
        await asyncio.gather(*(add_one(dataset.id) for _ in range(50)))
        async with database.read() as session:
            row = await session.get(DatasetRow, dataset.id)
        await database.close()
        return row

    row = asyncio.run(scenario())
    assert row.n_versions == 50
    assert row.created_at.utcoffset().total_seconds() == 0
    assert [t["name"] for t in row.artifact_types] == ["z", "a"]


def test_a_database_that_can_only_be_read_says_so_and_counts_as_away(postgresql, tables):
    """A standby, or a host that has run out of room: what writes is to be tried again later."""
    url = f"{postgresql(tables('postgresql'))}?options=-cdefault_transaction_read_only%3Don"

    async def scenario():
        database = Database(database_url(url, data_dir=Path()))
        async with database.read() as session:
            assert await session.scalar(select(func.count()).select_from(TenantRow)) == 0
        with pytest.raises(RelayError, match="can only be read"):
            await database.check()
        with pytest.raises(UNUSABLE):
            async with database.write() as session:
                session.add(TenantRow(name="one"))
        await database.close()

    asyncio.run(scenario())
