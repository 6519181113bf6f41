"""From a stereo MP3 to detections: relaylib against the script that one writes with transformers.

Both run the same random weights of a base-sized model, and the same linear classifier with made-up weights; detections
mean nothing, but both count them. Timed is everything but loading: decoding, downmix, resampling, embedding,
classifying, thresholds. The script takes windows of 20 s side by side, and so pays nothing for overlaps.

    python benchmarks/end_to_end.py [--minutes 5] [--pairs 7] [--model wav2vec2-base] [--device cuda]
                                    [--json FILE]
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

import av
import librosa
import numpy as np
import numpy.typing as npt
import soundfile
import torch
import transformers
from embed import MODELS, device_name, make_checkpoint, quiet
from lib.pairs import HEADING, compare, write_report

from relaylib import audio
from relaylib.demo import load_demo
from relaylib.models import Detector, TrainConfig, load_encoder, make_head
from relaylib.models.operating_point import OperatingPoint
from relaylib.models.pretrained import PretrainedEncoder
from relaylib.types import HOP_MS, SAMPLE_RATE

RATE = 44_100
WINDOW = 20 * SAMPLE_RATE
TYPES = tuple(f"type {k}" for k in range(8))


def make_mp3(path: Path, minutes: float) -> Path:
    """Write the speech that comes with the package, over and over, as stereo at 44.1 kHz; return its path."""
    folder = load_demo().audio_root
    speech = [audio.load(file).samples for file in sorted(folder.glob("train/*.flac"))]
    once = librosa.resample(np.concatenate(speech), orig_sr=SAMPLE_RATE, target_sr=RATE, res_type="soxr_hq")
    n_left = round(minutes * 60 * RATE)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libmp3lame", rate=RATE, layout="stereo")
        stream.bit_rate = 128_000
        while n_left > 0:
            part = once[:n_left]
            n_left -= len(part)
            frame = av.AudioFrame.from_ndarray(np.stack([part, 0.8 * part]).astype(np.float32), "fltp", "stereo")
            frame.sample_rate = RATE
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def make_detector(folder: Path, **options: Any) -> Detector:
    """Return a detector of eight types with made-up weights on the checkpoint in `folder`."""
    encoder = load_encoder(folder, **options)
    torch.manual_seed(1)
    head = make_head("linear", dim=encoder.dim, n_types=len(TYPES))
    return Detector.create(
        head=head,
        encoder=encoder,
        artifact_types=TYPES,
        points=[OperatingPoint()] * len(TYPES),
        metrics={},
        config=TrainConfig(head="linear"),
    )


class Script:
    """What one writes without relaylib, with the weights of a detector."""

    def __init__(self, folder: Path, detector: Detector, device: str) -> None:
        self._model, self._device = transformers.AutoModel.from_pretrained(folder).eval().to(device), device
        convolution = detector.head.members[0].body
        assert isinstance(convolution, torch.nn.Conv1d)
        self._classifier = torch.nn.Linear(detector.encoder.dim, len(TYPES))
        self._classifier.weight.data = convolution.weight.data[:, :, 0]
        assert convolution.bias is not None
        self._classifier.bias.data = convolution.bias.data

    @torch.inference_mode()
    def detect(self, path: Path) -> list[tuple[int, int, str, float]]:
        """Return the detections of a file: start and end in ms, type and score."""
        samples, rate = soundfile.read(path, dtype="float32")
        samples = librosa.resample(samples.mean(axis=1), orig_sr=rate, target_sr=SAMPLE_RATE, res_type="soxr_hq")
        scores = []
        for start in range(0, len(samples), WINDOW):
            window = torch.from_numpy(samples[start : start + WINDOW])
            if len(window) >= 400:
                hidden = self._model(window[None].to(self._device)).last_hidden_state[0].cpu()
                scores.append(torch.sigmoid(self._classifier(hidden)).numpy())
        return list(spans(np.concatenate(scores)))


def spans(scores: npt.NDArray[np.float32]) -> Any:
    """Yield runs of frames above one half, of each type."""
    for column, name in enumerate(TYPES):
        start, best = None, 0.0
        for k, score in enumerate([*scores[:, column].tolist(), 0.0]):
            if score > 0.5:
                start, best = k if start is None else start, max(best, score)
            elif start is not None:
                yield start * HOP_MS, k * HOP_MS, name, best
                start, best = None, 0.0


def main() -> None:
    """Run the comparison and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=5, help="length of the MP3")
    parser.add_argument("--pairs", type=int, default=7, help="timed pairs")
    parser.add_argument("--model", choices=MODELS, default="wav2vec2-base")
    parser.add_argument("--device", default="cpu", help="where both embed, such as cuda")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()

    quiet()
    with tempfile.TemporaryDirectory() as scratch:
        path = make_mp3(Path(scratch) / "speech.mp3", options.minutes)
        folder = make_checkpoint(Path(scratch) / "model", options.model)
        detector = make_detector(folder, device=options.device)
        script = Script(folder, detector, options.device)
        assert isinstance(detector.encoder, PretrainedEncoder)
        print(HEADING)
        row = compare(
            f"{options.minutes:g} min of MP3, {options.model}, {detector.encoder.precision}",
            lambda: detector.detect(path),
            "soundfile, librosa, transformers fp32",
            lambda: script.detect(path),
            options.pairs,
        )
        print(row, flush=True)
        counts = len(detector.detect(path)), len(script.detect(path))
    print(f"{60 * options.minutes / row.ours_s:.0f} s of audio per second; {counts[0]} and {counts[1]} detections")
    if options.json:
        facts = {"minutes": options.minutes, "detections": counts, "threads": torch.get_num_threads()}
        write_report(options.json, [row], {**facts, "device": device_name(options.device)})


if __name__ == "__main__":
    main()
