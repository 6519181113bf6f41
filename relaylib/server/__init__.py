"""The REST server: Relay's documented API over the same functions as the library."""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
