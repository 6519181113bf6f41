"""Files in, canonical waveforms out: probe, decode, resample to 16 kHz mono, save. Nothing about models.

``stream`` and ``load`` do the same work: decode, average the channels, resample by soxr HQ. What a format or a
damaged file makes of it is told in :mod:`relaylib.audio.decoding`.
"""

from relaylib.audio.channels import downmix
from relaylib.audio.decoding import DECODER_VERSION, load, probe, stream
from relaylib.audio.digest import content_digest
from relaylib.audio.files import AUDIO_EXTENSIONS, AudioFile, find_audio
from relaylib.audio.info import AudioInfo
from relaylib.audio.resampler import Resampler, resample
from relaylib.audio.saving import save

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
