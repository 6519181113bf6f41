"""Encoders without weights to fetch, and speech-like sound, for the tests of this room."""

import numpy as np
import torch

from relaylib.models.fingerprint import fingerprint
from relaylib.types import HOP, SAMPLE_RATE

CONVOLUTIONS = {"conv_kernel": (10, 3, 3, 3, 3, 2, 2), "conv_stride": (5, 2, 2, 2, 2, 2, 2)}  # the real ones: hop 320
SMALL = {
    **CONVOLUTIONS,
    "conv_dim": (32,) * 7,
    "hidden_size": 48,
    "intermediate_size": 96,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "initializer_range": 0.08,  # as strong as 0.02 in a model of width 768; with 0.02 attention would not show
}
STABLE = {"feat_extract_norm": "layer", "do_stable_layer_norm": True, "conv_bias": True}

# architecture -> (prefix of the class names in transformers, what differs from SMALL, do_normalize)
ARCHITECTURES = {
    "wav2vec2-group": ("Wav2Vec2", {"num_conv_pos_embedding_groups": 4}, True),
    "wav2vec2-layer": ("Wav2Vec2", {"num_conv_pos_embedding_groups": 4, **STABLE}, True),
    "wav2vec2-layer-unnormalised": ("Wav2Vec2", {"num_conv_pos_embedding_groups": 4, **STABLE}, False),
    "hubert": ("Hubert", {"num_conv_pos_embedding_groups": 4}, False),
    "hubert-layer": ("Hubert", {"num_conv_pos_embedding_groups": 4, **STABLE}, True),
    "wavlm": ("WavLM", {"num_conv_pos_embedding_groups": 4}, False),
    "wavlm-layer": ("WavLM", {"num_conv_pos_embedding_groups": 4, **STABLE}, True),
    "data2vec": ("Data2VecAudio", {"num_conv_pos_embedding_groups": 4, "num_conv_pos_embeddings": 5}, True),
}


class PlaceholderEncoder:
    """A numpy encoder that sees 400 samples behind a frame's start, as a convolution stack does."""

    name, n_layers, layer, hop = "placeholder", 1, None, HOP

    def __init__(self, dim=5, *, seed=0, scale=1.0, window=40 * HOP, context=4 * HOP):
        self.dim, self.window, self.context = dim, window, context
        self.mixing = (scale * np.random.default_rng(seed).standard_normal((400, dim))).astype(np.float32)
        self.fingerprint = fingerprint({"name": self.name}, [("mixing", self.mixing)])
        self.encoded = []

    def encode(self, samples):
        self.encoded.append(len(samples))
        if len(samples) < 400:
            samples = np.pad(samples, (0, 400 - len(samples) if len(samples) else 0))
        if not len(samples):
            return np.zeros((0, self.dim), np.float32)
        seen = np.lib.stride_tricks.sliding_window_view(samples, 400)[::HOP]
        return seen @ self.mixing


def closeness(rows, wanted):
    """Return the cosine of each frame with what is wanted."""
    return (rows * wanted).sum(-1) / np.linalg.norm(rows, axis=-1) / np.linalg.norm(wanted, axis=-1)


def speechlike(seconds, seed=0):
    """Return syllables of a gliding harmonic voice and of hiss, with pauses [shape=(n,), float32]."""
    rng = np.random.default_rng(seed)
    n = int(seconds * SAMPLE_RATE)
    time = np.arange(n) / SAMPLE_RATE
    knots = np.arange(0, seconds + 1, 0.125)  # a new syllable every 125 ms
    pitch = np.interp(time, knots, rng.uniform(90, 240, len(knots)))
    phase = 2 * np.pi * np.cumsum(pitch) / SAMPLE_RATE
    voice = sum(np.sin(k * phase) / k for k in range(1, 20))
    hiss = np.diff(rng.standard_normal(n + 1))
    loudness = np.interp(time, knots, rng.uniform(0, 1, len(knots)) * (rng.random(len(knots)) > 0.25))
    voiced = np.interp(time, knots, (rng.random(len(knots)) > 0.3).astype(float))
    sound = loudness * (voiced * voice + 0.4 * (1 - voiced) * hiss) + 0.003 * rng.standard_normal(n)
    return (0.2 * sound).astype(np.float32)


def make_checkpoint(folder, architecture, *, seed=0, **changes):
    """Write a small random checkpoint with its preprocessor, and return its folder."""
    import relaylib.models.pretrained as pretrained

    prefix, differing, do_normalize = ARCHITECTURES[architecture]
    with pretrained._quiet_transformers() as transformers:
        torch.manual_seed(seed)
        config = getattr(transformers, f"{prefix}Config")(**{**SMALL, **differing, **changes})
        model = getattr(transformers, f"{prefix}Model")(config).eval()
        with torch.no_grad():  # norms and biases start at one and zero, where mistakes would not show
            for parameter in model.parameters():
                if parameter.ndim == 1:
                    parameter.add_(0.1 * torch.randn_like(parameter))
        model.save_pretrained(folder)
        transformers.Wav2Vec2FeatureExtractor(do_normalize=do_normalize).save_pretrained(folder)
    return folder
