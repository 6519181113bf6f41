"""relaylib: time-stamped detection of artifacts in synthetic speech.

Audio in, detections out, by four pure functions::

    Waveform --encode--> Frames --classify--> Scores --decode--> [Detection]

Names load on first use, so that ``import relaylib`` costs neither torch nor bokeh.
"""

import sys as _sys

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)

if "IPython" in _sys.modules:
    from relaylib.widgets.notebook import register_reprs as _register_reprs

    _register_reprs()
