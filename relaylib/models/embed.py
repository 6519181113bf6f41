"""Former place of :mod:`relaylib.models.embedding`.

Importing this module hides the function ``relaylib.models.embed`` behind it, so nothing should.
"""

from relaylib.models.embedding import embed, embed_stream
from relaylib.models.recording import AudioSource

__all__ = ["AudioSource", "embed", "embed_stream"]
