"""The application: every part of the server put together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache, partial
from typing import Any

from litestar import Litestar, Request, Router
from litestar.di import Provide

from relaylib.server.annotations import AnnotationController, AnnotationSetController
from relaylib.server.answers import EXCEPTION_HANDLERS
from relaylib.server.audio import AudioController
from relaylib.server.auth import KeyCheck, caller_of
from relaylib.server.bootstrap import open_parts
from relaylib.server.context import Context
from relaylib.server.datasets import DatasetController
from relaylib.server.docs import description, docs_file, docs_page
from relaylib.server.health import healthz, readyz
from relaylib.server.inference import InferenceController, InferenceFileController
from relaylib.server.jobs.executor import Executor
from relaylib.server.keys import KeyController
from relaylib.server.metrics import Metrics, metrics_page
from relaylib.server.models import ModelController
from relaylib.server.objects import ObjectStore, open_store
from relaylib.server.objects.routes import storage_router
from relaylib.server.observing import ObservedApp
from relaylib.server.openapi import describe
from relaylib.server.paging import PageNumber, PageQuery, PageSize
from relaylib.server.settings import Settings
from relaylib.server.training import TrainingController
from relaylib.server.uploads import is_awaited
from relaylib.server.validation import MAX_BODY_BYTES, JsonRequest, refuse_null

__all__ = ["api_router", "create_app", "furnish"]

CONTROLLERS = (
    KeyController,
    DatasetController,
    AudioController,
    AnnotationSetController,
    AnnotationController,
    TrainingController,
    ModelController,
    InferenceController,
    InferenceFileController,
)


def create_app(settings: Settings, *, executor: Executor | None = None) -> Litestar:
    """Return the application; what it needs is opened when it starts and closed when it stops.

    Parameters
    ----------
    settings : Settings
    executor : Executor, optional
        Where heavy work is done; processes on this machine when left out.

    Raises
    ------
    RelayError
        If the storage URL is none, or its folder cannot be used.
    """
    store = open_store(settings.storage_url, data_dir=settings.data_dir)

    async def wanted(key: str) -> bool:
        return await is_awaited(app.state.context, key)

    pages = [healthz, readyz, metrics_page, description, docs_page, docs_file]
    app = ObservedApp(
        route_handlers=[api_router(), storage_router(store, wanted), *pages],
        lifespan=[_running],
        exception_handlers=EXCEPTION_HANDLERS,
        request_class=JsonRequest,
        request_max_body_size=MAX_BODY_BYTES,
        openapi_config=None,
        logging_config=None,
    )
    app.state.allowed = {route.path_format: ", ".join(sorted(route.methods)) for route in app.routes}
    app.state.describe = cache(lambda: describe(api_router()))
    furnish(app, settings, store, executor=executor)
    return app


def furnish(app: Litestar, settings: Settings, store: ObjectStore, *, executor: Executor | None = None) -> None:
    """Say what an application that does not run is to work with from its next start on.

    Parameters
    ----------
    app : Litestar
        Made by :func:`create_app`.
    settings : Settings
    store : ObjectStore
        Of the kind that the application was made for: its routes depend on it.
    executor : Executor, optional
    """
    app.state.metrics = Metrics()
    app.state.store = store
    app.state.open_parts = partial(open_parts, settings, store, executor)


def api_router() -> Router:
    """Return the routes of the API, all of them behind the check of the key."""
    return Router(
        "/api/v1",
        route_handlers=CONTROLLERS,
        middleware=[KeyCheck()],
        before_request=refuse_null,
        dependencies={
            "context": Provide(_context, sync_to_thread=False),
            "caller": Provide(caller_of, sync_to_thread=False),
            "page": Provide(_page, sync_to_thread=False),
        },
    )


@asynccontextmanager
async def _running(app: Litestar) -> AsyncIterator[None]:
    async with app.state.open_parts() as parts:
        app.state.context, app.state.last_uses = parts.context, parts.last_uses
        yield


def _context(request: Request[Any, Any, Any]) -> Context:
    context: Context = request.app.state.context
    return context


def _page(page_number: PageNumber = 1, page_size: PageSize = 20) -> PageQuery:
    return PageQuery(page=page_number, page_size=page_size)
