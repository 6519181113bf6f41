"""Numbers about the server in Prometheus' format."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import structlog
from litestar import Request, Response, get
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from sqlalchemy import func, select

from relaylib.server.context import Context
from relaylib.server.database import UNUSABLE, Database
from relaylib.server.database.tables import JobRow
from relaylib.server.within import within

__all__ = ["Metrics", "metrics_page"]

_PATIENCE_S = 5.0
_log = structlog.get_logger("relaylib.server.metrics")

_METHODS = frozenset({"GET", "POST", "PATCH", "DELETE", "OPTIONS", "HEAD", "PUT"})


class Metrics:
    """The numbers of one application; each has its own, so that several fit into a process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self._requests = Counter(
            "relay_http_requests",
            "Requests answered.",
            ["method", "route", "status"],
            registry=self.registry,
        )
        self._seconds = Histogram(
            "relay_http_request_duration_seconds",
            "Time from a request's head to the end of its answer.",
            ["method", "route"],
            registry=self.registry,
        )
        self.in_progress = Gauge(
            "relay_http_requests_in_progress", "Requests that are being answered.", registry=self.registry
        )
        self.jobs = Gauge("relay_jobs", "Heavy work by kind and state.", ["kind", "state"], registry=self.registry)

    def answered(self, *, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request; `route` is the template, so that ids make no rows of their own."""
        method = method if method in _METHODS else "OTHER"
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(method, route).observe(seconds)


@get("/metrics", include_in_schema=False)
async def metrics_page(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Give the numbers, with the jobs as they stand in the database now; without them while it is away."""
    context: Context = request.app.state.context
    metrics: Metrics = request.app.state.metrics
    try:
        rows = await within(_PATIENCE_S, _counted_jobs(context.db))
    except (*UNUSABLE, OSError, asyncio.TimeoutError) as error:
        _log.warning("jobs cannot be counted", reason=f"{type(error).__name__}: {error}")
        rows = []
    metrics.jobs.clear()
    for kind, state, n_jobs in rows:
        metrics.jobs.labels(kind, state).set(n_jobs)
    return Response(generate_latest(metrics.registry), headers={"Content-Type": CONTENT_TYPE_LATEST})


async def _counted_jobs(db: Database) -> Sequence[Any]:
    async with db.read() as session:
        by_state = select(JobRow.kind, JobRow.state, func.count()).group_by(JobRow.kind, JobRow.state)
        return (await session.execute(by_state)).all()
