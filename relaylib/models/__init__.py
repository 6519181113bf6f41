"""Encoders, embedding and its cache, targets, heads, training, and the saved detector.

Only here is torch imported; names load on first use, so that ``import relaylib.models`` does not cost it.
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
