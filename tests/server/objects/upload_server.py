"""A server of a folder alone, for tests that look at its memory from outside: python upload_server.py FOLDER PORT."""

import sys
from pathlib import Path

import uvicorn
from litestar import Litestar

from relaylib.server.objects.folder import FolderStore
from relaylib.server.objects.routes import storage_router

if __name__ == "__main__":
    folder, port = sys.argv[1:]
    app = Litestar([storage_router(FolderStore(Path(folder), b"s" * 32))], openapi_config=None)
    uvicorn.run(app, port=int(port), log_level="warning")
