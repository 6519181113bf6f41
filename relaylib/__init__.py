"""relaylib: time-stamped detection of artifacts in synthetic speech.

Audio in, detections out, by four pure functions::

    Waveform --encode--> Frames --classify--> Scores --decode--> [Detection]

Names load on first use, so that ``import relaylib`` costs neither torch nor bokeh.
"""

import os as _os
import sys as _sys

import lazy_loader as _lazy

# Between two products, the threads of GNU OpenMP, by which torch computes on Linux, wait busily for so long that two
# processes side by side take each other's cores away: each may then need twenty times as long. With this many turns
# each needs twice as long, and one alone no longer than before, to 3 % (benchmarks/side_by_side.py). It is read when
# torch is loaded; whoever has said how to wait is not contradicted.
if "OMP_WAIT_POLICY" not in _os.environ:
    _os.environ.setdefault("GOMP_SPINCOUNT", "2000")

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)

if "IPython" in _sys.modules:
    from relaylib.widgets.notebook import register_reprs as _register_reprs

    _register_reprs()
