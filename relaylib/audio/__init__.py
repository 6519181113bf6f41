"""Files in, canonical waveforms out: probe, decode, resample to 16 kHz mono, save. Nothing about models.

The libraries behind it (soundfile, PyAV, soxr, torchaudio) load when a function first needs them.
"""

from relaylib.audio.channels import downmix
from relaylib.audio.decoder import DECODER_VERSION, load, stream
from relaylib.audio.digest import content_digest
from relaylib.audio.files import AUDIO_EXTENSIONS, AudioFile, find_audio
from relaylib.audio.info import AudioInfo
from relaylib.audio.resampler import Resampler, resample
from relaylib.audio.source import probe
from relaylib.audio.writer import save

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
