"""Checkpoints of the Hugging Face hub, or a folder, as encoders: wav2vec 2.0, HuBERT, WavLM, data2vec-audio."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from relaylib.errors import EncoderNotAvailableError
from relaylib.models.encoder import Layer
from relaylib.models.fast.architecture import obstacle
from relaylib.models.fast.checkpoint import read_model
from relaylib.models.fast.precision import AskedPrecision, choose
from relaylib.models.fast.runner import FastRunner
from relaylib.models.hub import checkpoint_folder, read_json, uses_safetensors
from relaylib.models.lowered import in_bfloat16
from relaylib.models.runner import Precision, ReferenceRunner, Runner
from relaylib.models.transformer import CONTEXT, WINDOW, TransformerEncoder, usable_device
from relaylib.types import SAMPLE_RATE

__all__ = ["PretrainedEncoder"]

_FAMILIES = {
    "wav2vec2": "wav2vec 2.0",
    "hubert": "HuBERT",
    "wavlm": "WavLM",
    "data2vec-audio": "data2vec-audio",
}

# what of a configuration changes the output in eval mode; named one by one, because each release of transformers
# adds fields, and a fingerprint must outlive them
_FIELDS = (
    "model_type",
    "conv_dim",
    "conv_stride",
    "conv_kernel",
    "conv_bias",
    "feat_extract_norm",
    "feat_extract_activation",
    "feat_proj_layer_norm",
    "hidden_act",
    "hidden_size",
    "intermediate_size",
    "num_hidden_layers",
    "num_attention_heads",
    "layer_norm_eps",
    "do_stable_layer_norm",
    "num_conv_pos_embeddings",
    "num_conv_pos_embedding_groups",
    "conv_pos_kernel_size",
    "conv_pos_batch_norm",
    "num_buckets",
    "max_bucket_distance",
    "adapter_attn_dim",
)

_FEATURE_EXTRACTOR_EPS = 1e-7  # as in Wav2Vec2FeatureExtractor.zero_mean_unit_var_norm


class PretrainedEncoder(TransformerEncoder):
    """A checkpoint read by transformers, with the normalisation that its own preprocessor asks for.

    Parameters
    ----------
    name : str
        Hub name (``facebook/wav2vec2-base``) or folder, with ``config.json``, ``preprocessor_config.json`` and
        weights (``model.safetensors``, else ``pytorch_model.bin``, of which only tensors are read).
    layer : int, "mix" or None
        Hidden state to return: the last (None), one by index (0 enters the first transformer layer; negative counts
        from the end; the layers above are not run), or all of them side by side (``"mix"``).
    device : str
        Where the model runs.
    precision : "auto", "bf16", "fp32" or "reference"
        ``"bf16"`` and ``"fp32"`` run wav2vec 2.0, HuBERT and WavLM models with products in that type: on a CPU by
        :mod:`relaylib.models.fast`, elsewhere by transformers (bf16 by :mod:`torch.amp`). ``"reference"`` runs
        transformers, in float32. ``"auto"`` is bf16 where the device gains by it (CPUs with AMX, AMD's with
        AVX512-BF16, GPUs since Ampere), else fp32, and reference for other architectures. The fingerprint is the same:
        a detector runs with each of them.
    window, context, at_once : int
        See :class:`~relaylib.models.transformer.TransformerEncoder`.

    Raises
    ------
    EncoderNotAvailableError
        If the files are absent, damaged or incomplete, or of another family or hop.
    ParameterError
        If there is no such layer, device or precision, or window and context do not fit.

    References
    ----------
    .. [1] A. Baevski et al., "wav2vec 2.0: A Framework for Self-Supervised Learning of Speech Representations",
           NeurIPS 2020.
    .. [2] S.-w. Yang et al., "SUPERB: Speech processing Universal PERformance Benchmark", Interspeech 2021 (the
           learned mix of hidden states).
    """

    def __init__(
        self,
        name: str,
        *,
        layer: Layer = None,
        device: str = "cpu",
        precision: AskedPrecision = "auto",
        window: int = WINDOW,
        context: int = CONTEXT,
        at_once: int | None = None,
    ) -> None:
        folder = checkpoint_folder(name)
        config = read_json(folder / "config.json")
        _check_family(name, config)
        normalize = _normalizes(name, folder)
        on_cpu = usable_device(device).type == "cpu"
        known = read_model(folder, config) if on_cpu and precision != "reference" else None
        model: Any = known or _load_model(name, folder)
        chosen = choose(precision, obstacle(model.config), device)
        by_transformers = chosen == "reference" or not on_cpu
        super().__init__(
            name,
            model,
            runner=partial(_reference if by_transformers else FastRunner, model, precision=chosen),
            n_layers=len(model.encoder.layers),
            convolutions=[block.conv for block in model.feature_extractor.conv_layers],
            width=model.config.hidden_size,
            normalize_eps=_FEATURE_EXTRACTOR_EPS if normalize else None,
            settings={field: _plain(getattr(model.config, field, None)) for field in _FIELDS},
            layer=layer,
            device=device,
            window=window,
            context=context,
            at_once=at_once,
        )
        if chosen == "bf16" or not by_transformers:
            self.release_model()


def _check_family(name: str, config: dict[str, Any]) -> None:
    family = config.get("model_type")
    if not isinstance(family, str) or family not in _FAMILIES:
        raise EncoderNotAvailableError(
            f"{name} is a {family!r} checkpoint; encoders are {', '.join(_FAMILIES.values())} checkpoints."
        )
    if config.get("add_adapter"):
        raise EncoderNotAvailableError(f"{name} has an adapter that drops frames; use its base model (20 ms a frame).")


def _reference(model: Any, layer: Layer, precision: Precision) -> Runner:
    model = in_bfloat16(model) if precision == "bf16" else model
    first = model.feature_extractor.conv_layers[0]
    return ReferenceRunner(lambda batch: model(batch).last_hidden_state, model.encoder.layers, first, layer, precision)


def _normalizes(name: str, folder: Path) -> bool:
    """Whether the checkpoint wants its input at zero mean and unit variance."""
    path = folder / "preprocessor_config.json"
    if path.is_file():
        settings = read_json(path)
    else:
        settings = read_json(folder / "processor_config.json").get("feature_extractor") or {}
    kind = settings.get("feature_extractor_type", "Wav2Vec2FeatureExtractor")  # older files do not say
    rate = settings.get("sampling_rate", SAMPLE_RATE)
    if kind != "Wav2Vec2FeatureExtractor" or rate != SAMPLE_RATE:
        raise EncoderNotAvailableError(
            f"{name} wants its input from {kind} at {rate} Hz; relaylib feeds it by Wav2Vec2FeatureExtractor's rule "
            f"at {SAMPLE_RATE} Hz."
        )
    return bool(settings.get("do_normalize", True))


def _load_model(name: str, folder: Path) -> Any:
    with _quiet_transformers() as transformers:
        try:
            model, found = transformers.AutoModel.from_pretrained(
                folder,
                local_files_only=True,
                trust_remote_code=False,
                use_safetensors=uses_safetensors(folder),
                weights_only=True,
                output_loading_info=True,
            )
        except Exception as exc:  # whatever damaged files make the readers raise
            raise EncoderNotAvailableError(
                f"{name} cannot be read: its files are damaged or do not fit together ({exc}). Copy it again."
            ) from exc
    # transformers fills what the weights lack with random numbers; the stand-in for masked frames is never used
    missing = sorted(key for key in found["missing_keys"] if not key.endswith("masked_spec_embed"))
    missing += sorted(str(key) for key in found.get("mismatched_keys", ()))
    if missing:
        raise EncoderNotAvailableError(
            f"{name} is no complete checkpoint: its weights lack {len(missing)} of the model's, such as {missing[0]}."
        )
    return model


@contextmanager
def _quiet_transformers() -> Iterator[Any]:
    """Import transformers and keep its load report and progress bar off the screen: what matters becomes an error."""
    _prepare_torchaudio()
    import transformers
    from transformers.utils import logging

    verbosity, bar = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity(logging.CRITICAL)
    logging.disable_progress_bar()
    try:
        yield transformers
    finally:
        logging.set_verbosity(verbosity)
        if bar:
            logging.enable_progress_bar()


def _prepare_torchaudio() -> None:
    """Import torchaudio our way first: transformers imports it too, and trips over a build for another torch."""
    from relaylib.optional import import_torchaudio

    import_torchaudio()


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
