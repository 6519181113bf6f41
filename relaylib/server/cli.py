"""``python -m relaylib.server``: run the server, or look after its keys."""

from __future__ import annotations

import asyncio
import dataclasses
import math
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import click
from sqlalchemy import select

from relaylib.errors import RelayError
from relaylib.files import shown, utf8
from relaylib.server.bootstrap import opened_database
from relaylib.server.database import Database, database_url
from relaylib.server.database.tables import TenantRow
from relaylib.server.errors import NotFoundError
from relaylib.server.keys.service import DEFAULT_TENANT, create_key, list_keys, revoke_key
from relaylib.server.logs import LOG_FORMATS, LOG_LEVELS
from relaylib.server.models.ready import tenant_with_models
from relaylib.server.runner import serve
from relaylib.server.settings import Settings
from relaylib.version import __version__

__all__ = ["main"]

T = TypeVar("T")


class _Failed(click.ClickException):
    """What is shown on one line when the server cannot start, or a key cannot be found."""

    exit_code = 2


_DEFAULTS = {
    field.name: field.default for field in dataclasses.fields(Settings) if field.default is not dataclasses.MISSING
}


def _option(name: str, **kwargs: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return the option for a field of `Settings`, with its default and its variable."""
    field = name.removeprefix("--").replace("-", "_")
    default = _DEFAULTS[field]
    return click.option(
        name,
        envvar=f"RELAY_{field.upper()}",
        show_envvar=True,
        default=default,
        show_default=default is not None,
        **kwargs,
    )


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@_option("--host", help="Address to listen at; 0.0.0.0 for all.")
@_option("--port", type=click.IntRange(0, 65535), help="Port to listen at; 0 takes a free one.")
@_option("--data-dir", type=click.Path(path_type=Path), help="Folder for everything that is kept here.")
@_option(
    "--database-url", metavar="URL", help="sqlite:///PATH or postgresql://…; a file in the data folder if not given."
)
@_option(
    "--storage-url", metavar="URL", help="file:///PATH or s3://BUCKET?…; a folder in the data folder if not given."
)
@_option("--cluster", metavar="ADDRESS", help="Scheduler of a cluster for the heavy work.")
@_option("--encoder", help="Encoder that embeds audio.")
@_option("--workers", type=click.IntRange(0, 1024), help="Processes for heavy work; 0 leaves it to other servers.")
@_option("--public-url", metavar="URL", help="The address that clients see, behind a proxy.")
@_option("--upload-lifetime-s", type=click.IntRange(1), help="How long upload and download addresses live.")
@_option("--max-upload-bytes", type=click.IntRange(1), help="Largest file that is taken.")
@_option("--cache-bytes", type=click.IntRange(0), help="How large the cache of embeddings may grow.")
@_option("--log-level", type=click.Choice(LOG_LEVELS), help="Least important lines that are logged.")
@_option("--log-format", type=click.Choice(LOG_FORMATS), help="How lines are logged.")
@click.version_option(__version__, prog_name="relaylib")
@click.pass_context
def main(ctx: click.Context, /, **options: Any) -> None:
    """Serve the Relay API: label artifacts in speech, train a detector, find artifacts, over HTTP.

    Nothing has to be configured. The first start makes the data folder and prints an API key, once.
    """
    ctx.obj = Settings(**options)
    if ctx.invoked_subcommand is None:
        ctx.invoke(_serve)


@main.command("serve")
@click.pass_obj
def _serve(settings: Settings) -> None:
    """Run the server; what happens without a command too."""
    try:
        serve(settings, say=click.echo)
    except (RelayError, OSError) as error:
        raise _Failed(str(error)) from error


@main.group()
def keys() -> None:
    """Make, list and revoke API keys; the server may run meanwhile."""


@keys.command()
@click.option("--name", required=True, help="What the key is for.")
@click.option(
    "--tenant", default=DEFAULT_TENANT, show_default=True, help="Whose key; tenants see nothing of each other."
)
@click.option("--expires-in-days", type=click.FloatRange(0, 36500, min_open=True), help="How long it works.")
@click.pass_obj
def create(settings: Settings, name: str, tenant: str, expires_in_days: float | None) -> None:
    """Make a key and print it; it cannot be shown again."""
    for what, text in (("name", name), ("tenant", tenant)):
        if not 1 <= len(text) <= 255 or "\0" in text or utf8(text) != text:
            raise _Failed(f"the {what} must have 1 to 255 characters of UTF-8.")
    if expires_in_days is not None and math.isnan(expires_in_days):
        raise _Failed("--expires-in-days must be a number.")
    lifetime = None if expires_in_days is None else timedelta(days=expires_in_days)
    expires_at = None if lifetime is None else datetime.now(timezone.utc) + lifetime

    async def work(db: Database) -> str:
        async with db.write() as session:
            tenant_id = await tenant_with_models(session, tenant)
            return (await create_key(session, tenant_id, name=name, expires_at=expires_at)).key

    new = _absent_file(settings)
    key = _with_database(settings, work)
    if new is not None:
        click.echo(f"A new database was made, {new}; a server on another one does not know the key.", err=True)
    click.echo(key)


@keys.command("list")
@click.option("--tenant", help="Only this tenant's keys.")
@click.pass_obj
def list_(settings: Settings, tenant: str | None) -> None:
    """List the keys that are not revoked."""

    async def work(db: Database) -> list[tuple[str, ...]]:
        async with db.read() as session:
            tenants = await session.scalars(select(TenantRow).order_by(TenantRow.name))
            return [
                (  # whoever has a key may name another as they like, with what moves a cursor
                    *(str(key.id), shown(row.name), shown(key.name)),
                    *map(_time, (key.created_at, key.expires_at, key.last_used_at)),
                )
                for row in tenants.all()
                if tenant in (None, row.name)
                for key in await list_keys(session, row.id)
            ]

    _check_there(settings)
    rows = [("id", "tenant", "name", "created", "expires", "last used"), *_with_database(settings, work)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


@keys.command()
@click.argument("key_id", type=click.UUID, metavar="ID")
@click.pass_obj
def revoke(settings: Settings, key_id: UUID) -> None:
    """Make the key with this id useless at once."""

    async def work(db: Database) -> None:
        async with db.write() as session:
            await revoke_key(session, key_id)

    _check_there(settings)
    try:
        _with_database(settings, work)
    except NotFoundError as error:
        raise _Failed(f"{error.detail}: {key_id}; `keys list` shows them.") from error


def _absent_file(settings: Settings) -> Path | None:
    """Return the file of a database that is yet to be made; None where there is one, or none is a file."""
    try:
        url = database_url(settings.database_url, data_dir=settings.data_dir)
    except RelayError as error:
        raise _Failed(str(error)) from error
    path = Path(url.database or "")
    return path if url.get_backend_name() == "sqlite" and not path.exists() else None


def _check_there(settings: Settings) -> None:
    absent = _absent_file(settings)
    if absent is not None:
        raise _Failed(f"there is no {absent}; name the server's own --data-dir or --database-url in front of `keys`.")


def _with_database(settings: Settings, work: Callable[[Database], Coroutine[Any, Any, T]]) -> T:
    async def run() -> T:
        async with opened_database(settings) as db:
            return await work(db)

    try:
        return asyncio.run(run())
    except NotFoundError:
        raise
    except (RelayError, OSError) as error:
        raise _Failed(str(error)) from error


def _time(at: datetime | None) -> str:
    return "-" if at is None else f"{at:%Y-%m-%d %H:%M}"
