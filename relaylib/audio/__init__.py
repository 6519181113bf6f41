"""Files in, canonical waveforms out: probe, decode, resample to 16 kHz mono, save. Nothing about models.

A file goes ``decoding`` (which knows the container by its first bytes) -> ``extent`` (is it whole?) -> ``pcm``
(libsndfile) or ``compressed`` (FFmpeg) -> ``channels`` -> ``resampler``.
"""

from relaylib.audio.channels import downmix
from relaylib.audio.decoding import DECODER_VERSION, load, probe, stream
from relaylib.audio.digest import content_digest
from relaylib.audio.files import AudioFile, find_audio
from relaylib.audio.info import AudioInfo
from relaylib.audio.resampler import Resampler, resample
from relaylib.audio.saving import save
from relaylib.types import AUDIO_EXTENSIONS

__all__ = [
    "AUDIO_EXTENSIONS",
    "DECODER_VERSION",
    "AudioFile",
    "AudioInfo",
    "Resampler",
    "content_digest",
    "downmix",
    "find_audio",
    "load",
    "probe",
    "resample",
    "save",
    "stream",
]
