"""How alembic reaches the database: by the connection that `migrate` has opened."""

from alembic import context

from relaylib.server.database.tables import Base

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    compare_type=True,
    user_module_prefix="",  # a new revision imports the types itself
)
with context.begin_transaction():
    context.run_migrations()
