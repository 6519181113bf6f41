"""Engines that speak a text, each called as a command."""

from __future__ import annotations

import re
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile as sf
from voices import Voice

from relaylib import audio

__all__ = ["say"]

FloatArray = npt.NDArray[np.float32]

_LONGEST_S = 120


def say(voice: Voice, text: str, rng: np.random.Generator) -> FloatArray:
    """Return `text` as a voice says it [shape=(n,), float32, 16 kHz], at a random speed, and pitch where it has one.

    Raises
    ------
    subprocess.SubprocessError
        If the program fails or takes too long.
    OSError
        If the program is not installed, or writes nothing.
    """
    text = " ".join(re.sub(r"[^\w\s.,;:!?'-]", " ", text).split())
    speed = float(np.exp(rng.normal(0, 0.14)))
    with tempfile.TemporaryDirectory() as folder:
        wav = Path(folder) / "said.wav"
        command, given = _command(voice, text, speed, rng, wav)
        subprocess.run(command, input=given, check=True, capture_output=True, timeout=_LONGEST_S)
        if not wav.exists() or sf.info(wav).frames == 0:
            raise OSError(f"{voice.engine} wrote nothing for {voice.name!r}")
        return audio.load(wav).samples


def _command(
    voice: Voice, text: str, speed: float, rng: np.random.Generator, wav: Path
) -> tuple[list[str], bytes | None]:
    """Return the command that writes `wav`, and its input."""
    if voice.engine == "espeak":
        pitch = str(int(np.clip(rng.normal(50, 15), 5, 95)))
        said = ["espeak-ng", "-v", voice.name, "-s", str(int(165 * speed)), "-p", pitch, "-w", str(wav), "--stdin"]
        return said, text.encode()
    if voice.engine == "flite":
        return [
            "flite",
            "-voice",
            voice.name,
            "--setf",
            f"duration_stretch={1 / speed:.3f}",
            "-t",
            text,
            str(wav),
        ], None
    if voice.engine == "pico":
        said_so = f"<speed level='{int(100 * speed)}'><pitch level='{rng.integers(80, 125)}'>{text}</pitch></speed>"
        return ["pico2wave", "-l", voice.name, "-w", str(wav), said_so], None
    if voice.engine == "festival":
        quoted = text.replace('"', " ")
        script = (
            f"(voice_{voice.name})\n(Parameter.set 'Duration_Stretch {1 / speed:.3f})\n"
            f'(utt.save.wave (utt.synth (Utterance Text "{quoted}")) "{wav}" \'riff)\n'
        )
        return ["festival", "--pipe"], script.encode("iso-8859-2" if "czech" in voice.name else "utf-8", "ignore")
    raise ValueError(f"engine {voice.engine!r} is unknown")
