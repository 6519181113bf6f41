"""The main job end to end, on six labelled minutes of speech that come with the package.

Names load on first use: to ask for the speech costs no torch.
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
