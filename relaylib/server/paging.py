"""Lists, a page at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from litestar.params import QueryParameter
from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from relaylib.server.database.tables import Base

__all__ = ["PageNumber", "PageQuery", "PageSize", "fetch_page"]

Row = TypeVar("Row", bound=Base)

PageNumber = Annotated[int, QueryParameter(name="page", ge=1, le=2**31 - 1, description="Number of the page, from 1.")]
PageSize = Annotated[int, QueryParameter(name="page_size", ge=1, le=100, description="Items on a page.")]


@dataclass(frozen=True, slots=True)
class PageQuery:
    """Which page of a list is wanted."""

    page: int = 1
    page_size: int = 20


async def fetch_page(
    session: AsyncSession, query: Select[Any], table: type[Row], page: PageQuery
) -> tuple[list[Row], int]:
    """Return the rows of one page of `query`, newest first with the id as tie-break, and how many there are in all."""
    total = await session.scalar(select(func.count()).select_from(query.order_by(None).subquery()))
    ordered = query.order_by(table.created_at.desc(), table.id.desc())
    rows = await session.scalars(ordered.limit(page.page_size).offset((page.page - 1) * page.page_size))
    return list(rows), total or 0
