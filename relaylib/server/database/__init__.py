"""What the server remembers, in SQLite or PostgreSQL."""

from relaylib.server.database.database import Database, database_url
from relaylib.server.database.migrate import migrate

__all__ = ["Database", "database_url", "migrate"]
