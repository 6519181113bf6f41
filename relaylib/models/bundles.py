"""The pretrained bundles of torchaudio as encoders: ``torchaudio:WAV2VEC2_BASE`` and its like."""

from __future__ import annotations

import logging
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import torch

from relaylib.errors import EncoderNotAvailableError
from relaylib.models.encoder import Layer
from relaylib.models.runner import ReferenceRunner
from relaylib.models.transformer import CONTEXT, WINDOW, TransformerEncoder
from relaylib.optional import import_torchaudio
from relaylib.types import SAMPLE_RATE

__all__ = ["BundleEncoder"]

_log = logging.getLogger(__name__)

_ADDRESS = "https://download.pytorch.org/torchaudio/models/"
_LAYER_NORM_EPS = 1e-5  # torchaudio normalises by F.layer_norm over the whole clip
_TIMEOUT_S = 10


class BundleEncoder(TransformerEncoder):
    """A wav2vec 2.0, HuBERT or WavLM bundle of :mod:`torchaudio.pipelines`, with the bundle's own normalisation.

    Of a bundle for speech recognition the last layer that makes letters is left out. Hidden states are those of the
    same model as a :class:`~relaylib.models.pretrained.PretrainedEncoder`.

    Parameters
    ----------
    bundle : str
        Its name in :mod:`torchaudio.pipelines`, such as ``WAV2VEC2_BASE``.
    layer : int, "mix" or None
        Hidden state to return, as of a :class:`~relaylib.models.pretrained.PretrainedEncoder`.
    device : str
        Where the model runs.
    window, context, at_once : int
        See :class:`~relaylib.models.transformer.TransformerEncoder`.

    Raises
    ------
    EncoderNotAvailableError
        If there is no such bundle, or its weights are neither here nor can be fetched, or are damaged.
    ParameterError
        If there is no such layer or device, or window and context do not fit.
    """

    def __init__(
        self,
        bundle: str,
        *,
        layer: Layer = None,
        device: str = "cpu",
        window: int = WINDOW,
        context: int = CONTEXT,
        at_once: int | None = None,
    ) -> None:
        name = f"torchaudio:{bundle}"
        found = _find(bundle)
        _check_weights(name, found._path)
        whole = _load_model(name, found)
        model = getattr(whole, "model", whole)  # without the wrapper that normalises: that is done here
        model.aux = None
        layers, blocks = model.encoder.transformer.layers, model.feature_extractor.conv_layers
        super().__init__(
            name,
            model,
            runner=lambda layer: ReferenceRunner(lambda batch: model(batch)[0], layers, blocks[0], layer),
            n_layers=len(layers),
            convolutions=[block.conv for block in blocks],
            width=model.encoder.feature_projection.projection.out_features,
            normalize_eps=_LAYER_NORM_EPS if found._normalize_waveform else None,
            settings={"torchaudio": found._model_type, **{k: _plain(v) for k, v in found._params.items()}},
            layer=layer,
            device=device,
            window=window,
            context=context,
            at_once=at_once,
        )


def _find(bundle: str) -> Any:
    pipelines = import_torchaudio().pipelines
    known = sorted(n for n in pipelines.__all__ if isinstance(getattr(pipelines, n), pipelines.Wav2Vec2Bundle))
    if bundle not in known:
        raise EncoderNotAvailableError(f"torchaudio has no bundle {bundle!r}; it has {', '.join(known)}.")
    found = getattr(pipelines, bundle)
    if found.sample_rate != SAMPLE_RATE:
        raise EncoderNotAvailableError(f"torchaudio:{bundle} hears {found.sample_rate} Hz; need {SAMPLE_RATE} Hz.")
    return found


def _check_weights(name: str, path: str) -> None:
    """Make sure that the weights are here or within reach, before torch waits for them without a timeout."""
    url = path if path.startswith("https") else _ADDRESS + path
    file = Path(torch.hub.get_dir()) / "checkpoints" / Path(urlparse(url).path).name
    if file.is_file():
        return
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=_TIMEOUT_S):
            _log.info("downloading %s", url)
    except (OSError, urllib.error.URLError) as exc:
        raise EncoderNotAvailableError(
            f"encoder {name!r} is not on this machine, and {url} cannot be reached ({exc}). To bring it: download that "
            f"file on a machine with a connection and put it here as {file} (TORCH_HOME moves that folder)."
        ) from exc


def _load_model(name: str, bundle: Any) -> Any:
    try:
        # weights_only: a file that would run code is refused
        return bundle.get_model(dl_kwargs={"map_location": "cpu", "weights_only": True, "progress": False})
    except Exception as exc:  # whatever a damaged file makes the readers raise
        raise EncoderNotAvailableError(
            f"the weights of {name!r} in {torch.hub.get_dir()} cannot be read ({exc}). Fetch the file again."
        ) from exc


def _plain(value: Any) -> Any:
    return [_plain(v) for v in value] if isinstance(value, (list, tuple)) else value
