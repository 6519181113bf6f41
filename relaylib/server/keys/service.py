"""API keys in the database: for the API (`Keys`), and for the command line (the functions)."""

from __future__ import annotations

from datetime import datetime, timezone
from uuid import UUID

from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from relaylib.api import ApiKey, CreateApiKey, CreatedApiKey
from relaylib.server.context import Caller, Context
from relaylib.server.database.tables import ApiKeyRow, TenantRow
from relaylib.server.errors import InvalidError, NotFoundError
from relaylib.server.keys.secret import KEY_PREFIX, hash_key, new_key

__all__ = [
    "DEFAULT_TENANT",
    "Keys",
    "any_key_exists",
    "create_key",
    "find_tenant",
    "hold_tenants",
    "list_keys",
    "make_tenant",
    "revoke_key",
    "tenant_by_name",
]

DEFAULT_TENANT = "default"
"""The tenant that keys of the command line belong to unless another is named."""


class Keys:
    """The keys of the caller's tenant."""

    def __init__(self, context: Context, caller: Caller) -> None:
        self._db = context.db
        self._caller = caller

    async def create(self, body: CreateApiKey) -> CreatedApiKey:
        """Make a key; the answer is the only place where it can be read."""
        expires_at = _as_utc(body.expires_at)
        async with self._db.write() as session:
            return await create_key(
                session, self._caller.tenant_id, name=body.name, scopes=body.scopes, expires_at=expires_at
            )

    async def list(self) -> list[ApiKey]:
        """Return the keys that are not revoked, newest first; an expired one is among them."""
        async with self._db.read() as session:
            return await list_keys(session, self._caller.tenant_id)

    async def revoke(self, key_id: UUID) -> None:
        """Make a key useless from now on; it may be the one that asks."""
        async with self._db.write() as session:
            await revoke_key(session, key_id, tenant_id=self._caller.tenant_id)


async def find_tenant(session: AsyncSession, name: str) -> UUID | None:
    """Return the id of a tenant, or None where there is none of that name."""
    return await session.scalar(select(TenantRow.id).where(TenantRow.name == name))


async def tenant_by_name(session: AsyncSession, name: str) -> UUID:
    """Return the id of a tenant, which is made where there is none of that name."""
    return await find_tenant(session, name) or await make_tenant(session, name)


async def make_tenant(session: AsyncSession, name: str) -> UUID:
    """Make a tenant and return its id."""
    row = TenantRow(name=name)
    session.add(row)
    await session.flush()
    return row.id


async def hold_tenants(session: AsyncSession) -> None:
    """Keep others from making a tenant until the transaction ends; SQLite's writer is alone anyway."""
    if session.get_bind().dialect.name == "postgresql":
        await session.execute(text(f"LOCK TABLE {TenantRow.__tablename__} IN SHARE ROW EXCLUSIVE MODE"))


async def any_key_exists(session: AsyncSession) -> bool:
    """Whether a key was ever made; revoked ones count."""
    return await session.scalar(select(ApiKeyRow.id).limit(1)) is not None


async def create_key(
    session: AsyncSession,
    tenant_id: UUID,
    *,
    name: str,
    scopes: list[str] | None = None,
    expires_at: datetime | None = None,
) -> CreatedApiKey:
    """Make a key for a tenant and return it with its secret, which is not kept."""
    key = new_key()
    row = ApiKeyRow(
        tenant_id=tenant_id,
        name=name,
        key_prefix=KEY_PREFIX,
        key_hash=hash_key(key),
        scopes=scopes or [],
        expires_at=expires_at,
    )
    session.add(row)
    await session.flush()
    return CreatedApiKey(
        id=row.id,
        name=row.name,
        key_prefix=row.key_prefix,
        scopes=row.scopes,
        created_at=row.created_at,
        expires_at=row.expires_at,
        last_used_at=None,
        key=key,
    )


async def list_keys(session: AsyncSession, tenant_id: UUID) -> list[ApiKey]:
    """Return a tenant's keys that are not revoked, newest first."""
    mine = select(ApiKeyRow).where(ApiKeyRow.tenant_id == tenant_id, ApiKeyRow.revoked_at.is_(None))
    rows = await session.scalars(mine.order_by(ApiKeyRow.created_at.desc(), ApiKeyRow.id.desc()))
    return [
        ApiKey(
            id=row.id,
            name=row.name,
            key_prefix=row.key_prefix,
            scopes=row.scopes,
            created_at=row.created_at,
            expires_at=row.expires_at,
            last_used_at=row.last_used_at,
        )
        for row in rows
    ]


async def revoke_key(session: AsyncSession, key_id: UUID, *, tenant_id: UUID | None = None) -> None:
    """Revoke a key, of any tenant when None is given.

    Raises
    ------
    NotFoundError
        If there is no such key, or it is revoked already.
    """
    change = update(ApiKeyRow).where(ApiKeyRow.id == key_id, ApiKeyRow.revoked_at.is_(None))
    if tenant_id is not None:
        change = change.where(ApiKeyRow.tenant_id == tenant_id)
    revoked = await session.scalar(change.values(revoked_at=datetime.now(timezone.utc)).returning(ApiKeyRow.id))
    if revoked is None:
        raise NotFoundError("API key")


def _as_utc(expires_at: datetime | None) -> datetime | None:
    """Return the time in UTC, which is what a time without a zone is taken for; it must be yet to come."""
    if expires_at is None:
        return None
    try:
        utc = (
            expires_at.replace(tzinfo=timezone.utc)
            if expires_at.tzinfo is None
            else expires_at.astimezone(timezone.utc)
        )
    except OverflowError:
        raise InvalidError.at("body", "expires_at", msg="is not a time that can be kept") from None
    if utc <= datetime.now(timezone.utc):
        raise InvalidError.at("body", "expires_at", msg="must be in the future")
    return utc
