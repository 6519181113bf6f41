"""A server of a store alone, for tests that look at its memory from outside: python upload_server.py URL DATA PORT."""

import sys
from pathlib import Path

import uvicorn
from litestar import Litestar
from litestar.datastructures import State

from relaylib.server.objects import open_store
from relaylib.server.objects.routes import storage_router


async def wanted(key: str) -> bool:
    return True


if __name__ == "__main__":
    url, data_dir, port = sys.argv[1:]
    store = open_store(url, data_dir=Path(data_dir))
    routes = [storage_router(store, wanted)]
    app = Litestar(routes, state=State({"store": store}), openapi_config=None, logging_config=None)
    uvicorn.run(app, port=int(port), log_level="warning")
