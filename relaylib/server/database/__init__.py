"""What the server remembers, in SQLite or PostgreSQL."""

from relaylib.server.database.database import UNUSABLE, Database, database_url
from relaylib.server.database.migrate import migrate

__all__ = ["UNUSABLE", "Database", "database_url", "migrate"]
