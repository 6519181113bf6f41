"""When keys were last used: noted now and then, and no reason to fail."""

import asyncio
import logging
from contextlib import asynccontextmanager
from datetime import datetime, timezone
from uuid import uuid4

from sqlalchemy.exc import OperationalError

from relaylib.server.auth import LastUses


class Away:
    """A database that cannot be reached."""

    @asynccontextmanager
    async def write(self):
        raise OperationalError("UPDATE", {}, Exception("connection refused"))
        yield


def test_a_database_that_is_away_does_not_keep_the_server_from_stopping(caplog):
    uses = LastUses(Away())
    uses.note(uuid4(), datetime.now(timezone.utc))
    with caplog.at_level(logging.WARNING):
        asyncio.run(uses.try_flush())
    assert "connection refused" in caplog.text
