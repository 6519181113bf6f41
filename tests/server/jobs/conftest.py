"""A fresh table of jobs."""

import asyncio
from pathlib import Path

import pytest
from dispatching import Table

from relaylib.server.database import database_url


@pytest.fixture
def run(fresh_database_url):
    """Give a function that runs a scenario, a coroutine function of a `Table`, on an empty database."""
    url = database_url(fresh_database_url, data_dir=Path())

    def run_scenario(scenario):
        async def body():
            table = Table(url)
            try:
                return await scenario(table)
            finally:
                await table.db.close()

        return asyncio.run(body())

    return run_scenario
