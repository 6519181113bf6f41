"""What the server can be told."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from relaylib.api import MAX_UPLOAD_BYTES, UPLOAD_LIFETIME_S
from relaylib.models.encoder import DEFAULT_ENCODER
from relaylib.server.cores import usable_cores

__all__ = ["Settings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How the server runs; each field is a flag of the command line and a variable ``RELAY_…``.

    Parameters
    ----------
    host, port
        Where it listens.
    data_dir : Path
        Folder for everything that is kept here: the database and objects unless URLs say otherwise, secrets and caches.
    database_url : str, optional
        ``sqlite:///PATH`` or ``postgresql://USER:PASSWORD@HOST/NAME``; a SQLite file in `data_dir` when left out.
    storage_url : str, optional
        ``file:///PATH`` or ``s3://BUCKET/PREFIX?endpoint=URL&region=NAME&uploads=server|direct``; a folder in
        `data_dir` when left out.
    cluster : str, optional
        Address of a Dask scheduler that does the heavy work, instead of processes on this machine.
    encoder : str
        Name of the encoder that embeds audio, see :func:`relaylib.load_encoder`.
    workers : int >= 0
        Processes for heavy work; 0 takes requests only and leaves the work to other servers.
    public_url : str, optional
        The address clients see, where a proxy hides it; upload and download URLs begin with it.
    upload_lifetime_s : int
        How long upload and download URLs live.
    max_upload_bytes : int
        Largest file that is taken.
    cache_bytes : int
        Size of the embeddings that are kept; those that were not used for longest go first.
    log_level, log_format
        ``debug`` … ``error``; ``json`` or ``text``.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    data_dir: Path = Path("relay-data")
    database_url: str | None = None
    storage_url: str | None = None
    cluster: str | None = None
    encoder: str = DEFAULT_ENCODER
    workers: int = max(2, usable_cores() // 2)
    public_url: str | None = None
    upload_lifetime_s: int = UPLOAD_LIFETIME_S
    max_upload_bytes: int = MAX_UPLOAD_BYTES
    cache_bytes: int = 20 * 2**30
    log_level: str = "info"
    log_format: str = "text"

    @property
    def embeddings_dir(self) -> Path:
        """Where embeddings are kept."""
        return self.data_dir.absolute() / "embeddings"
