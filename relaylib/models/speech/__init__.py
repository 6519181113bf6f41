"""The encoder that comes along: it has heard hours of speech, and what goes wrong in it."""

from relaylib.models.speech.encoder import SpeechEncoder, heard

__all__ = ["SpeechEncoder", "heard"]
