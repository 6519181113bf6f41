"""Train the small encoder in the open: first to predict masked frames, then to know artifacts, and voices, by hearing.

It goes on where it stopped when it is started again with the same folder. What it writes there: `state.pt` (to go on
from), `log.jsonl` (losses, and average precision on voices that it does not learn from), and at the end `encoder/`, a
checkpoint that `relaylib.load_encoder` and transformers read.

    python pretraining/make_speech.py --out speech --hours 12
    python pretraining/pretrain.py speech --out run [--steps 2000 4000] [--leave-out flite] [--device cuda]
    python pretraining/pretrain.py speech --out run --start ENCODER --steps 0 4000    # the second part alone
"""

from __future__ import annotations

import argparse
import json
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from material import TYPES, Batch, Crops, Speech, load_speech
from network import Learner, configuration
from sklearn.metrics import average_precision_score
from torch.nn import functional
from torch.utils.data import DataLoader, Subset
from tqdm import tqdm

from relaylib.models.fast.precision import bf16_pays

MASK_SHARE, MASK_LENGTH = 0.06, 10
POSITIVE_SHARE, LARGEST_WEIGHT = 0.03, 30.0
AVERAGE = 0.998
FOREIGN = TYPES.index("hallucination")
"""Type of the frames in which another voice may speak."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A part of the training: how many steps, what the loss is made of, and how fast it learns at most."""

    name: str
    n_steps: int
    masked: float
    aware: float
    voice: float
    rate: float


def masked(shape: tuple[int, int], rng: np.random.Generator) -> torch.Tensor:
    """Return which frames to mask: spans, which may overlap, about half of all."""
    starts = rng.random(shape) < MASK_SHARE
    found = np.zeros(shape, bool)
    for k in range(MASK_LENGTH):
        found[:, k:] |= starts[:, : shape[1] - k]
    return torch.from_numpy(found)


def positive_weights(batches: list[Batch]) -> torch.Tensor:
    """Return a weight [shape=(n_types,)] for frames of each type: clicks are few, and would drown among pauses."""
    shares = torch.stack([batch.labels.mean((0, 1)) for batch in batches]).mean(0)
    return (POSITIVE_SHARE / shares.clamp(min=1e-6)).clamp(1.0, LARGEST_WEIGHT)


class Training:
    """The state of a run: weights, their average, the optimiser, and how far it is."""

    def __init__(
        self,
        folder: Path,
        learner: Learner,
        stages: list[Stage],
        weights: torch.Tensor,
        device: str,
        seed: int,
    ) -> None:
        self.folder, self.stages, self.device, self.seed = folder, stages, device, seed
        self.learner, self.weights = learner.to(device), weights.to(device)
        self.average = torch.optim.swa_utils.AveragedModel(
            self.learner, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(AVERAGE)
        )
        decayed = [p for p in learner.parameters() if p.ndim > 1]
        others = [p for p in learner.parameters() if p.ndim <= 1]
        groups = [{"params": decayed, "weight_decay": 0.01}, {"params": others, "weight_decay": 0.0}]
        self.optimiser = torch.optim.AdamW(groups, lr=1e-3, betas=(0.9, 0.98), fused=True)
        self.step = 0
        self.autocast = bf16_pays(device)
        if (folder / "state.pt").exists():
            state = torch.load(folder / "state.pt", map_location=device, weights_only=True)
            self.learner.load_state_dict(state["learner"])
            self.average.load_state_dict(state["average"])
            self.optimiser.load_state_dict(state["optimiser"])
            self.step = state["step"]

    def save(self) -> None:
        """Write what is needed to go on; a run that is killed meanwhile keeps the last state."""
        state = {
            "learner": self.learner.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "step": self.step,
        }
        torch.save(state, self.folder / "state.new")
        (self.folder / "state.new").replace(self.folder / "state.pt")

    def stage(self) -> tuple[Stage, int]:
        """Return the present stage, and how many of its steps are done."""
        done = self.step
        for stage in self.stages:
            if done < stage.n_steps:
                return stage, done
            done -= stage.n_steps
        return self.stages[-1], self.stages[-1].n_steps

    def learn(self, batch: Batch) -> dict[str, float]:
        """Take one step, and return its losses."""
        stage, done = self.stage()
        rate = stage.rate * min((done + 1) / max(1, stage.n_steps // 12), 1.0)
        rate *= 0.5 * (1 + math.cos(math.pi * done / stage.n_steps))
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.learner.train()
        torch.manual_seed(self.seed + self.step)  # whatever was before: a run that was cut off goes on as it would have
        hidden_frames, n_heard = None, len(batch.samples)
        if stage.masked:
            hidden_frames = masked(batch.codes.shape, np.random.default_rng([7, self.step])).to(self.device)  # type: ignore[arg-type]
            if stage.aware:  # most crops are heard whole: that is how the encoder is used
                n_heard = 3 * n_heard // 4
                hidden_frames[:n_heard] = False
        with torch.autocast(torch.device(self.device).type, torch.bfloat16, enabled=self.autocast):
            hidden = self.learner(batch.samples.to(self.device), hidden_frames)
            loss, found = torch.zeros((), device=self.device), {}
            if hidden_frames is not None:
                logits = self.learner.codes(hidden[hidden_frames]).float()
                part = functional.cross_entropy(logits, batch.codes.to(self.device)[hidden_frames])
                loss, found["masked"] = loss + stage.masked * part, part.item()
            if stage.aware:
                part = functional.binary_cross_entropy_with_logits(
                    self.learner.types(hidden[:n_heard]).float(),
                    batch.labels[:n_heard].to(self.device),
                    pos_weight=self.weights,
                )
                loss, found["aware"] = loss + stage.aware * len(TYPES) * part, part.item()
            if stage.voice:
                own = batch.labels[:n_heard, :, FOREIGN] == 0
                given = self.learner.named(hidden[:n_heard][own.to(self.device)])
                wanted = batch.voices[:n_heard, None].expand(own.shape)[own].to(self.device)
                part = functional.cross_entropy(given, wanted)
                loss, found["voice"] = loss + stage.voice * part, part.item()
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.learner.parameters(), 1.0)
        self.optimiser.step()
        self.average.update_parameters(self.learner)
        self.step += 1
        return found

    @torch.no_grad()
    def judge(self, batches: list[Batch]) -> dict[str, float]:
        """Return the average precision of each type on frames of voices that are not learned from."""
        self.average.eval()
        learner = self.average.module
        assert isinstance(learner, Learner)
        with torch.autocast(torch.device(self.device).type, torch.bfloat16, enabled=self.autocast):
            scores = [learner.types(learner(batch.samples.to(self.device))).float().cpu() for batch in batches]
        known = torch.cat([batch.labels for batch in batches]).flatten(0, 1).numpy()
        given = torch.cat(scores).flatten(0, 1).numpy()
        return {
            name: float(average_precision_score(known[:, k], given[:, k]))
            for k, name in enumerate(TYPES)
            if known[:, k].any()
        }

    def export(self, voices: list[str], notes: dict[str, Any]) -> Path:
        """Write the averaged weights in half precision as a checkpoint, and how they came about."""
        encoder = self.folder / "encoder"
        learner = self.average.module
        assert isinstance(learner, Learner)
        learner.keep(encoder, voices)
        from transformers import Wav2Vec2FeatureExtractor

        Wav2Vec2FeatureExtractor(do_normalize=True, return_attention_mask=False).save_pretrained(encoder)
        (encoder / "training.json").write_text(json.dumps(notes, indent=1), encoding="utf-8")
        return encoder


def together(batches: list[Batch]) -> Batch:
    """Return the only batch: they are made whole by the material."""
    return batches[0]


def run(options: argparse.Namespace) -> Path:
    """Train, or go on training, and return the folder of the encoder."""
    options.out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(options.seed)
    speech = load_speech(options.speech, tuple(options.leave_out))
    learned, held = speech.split(0.06)
    stages = [
        Stage("masked", options.steps[0], masked=1.0, aware=0.0, voice=0.0, rate=1e-3),
        Stage("aware", options.steps[1], masked=0.1, aware=1.0, voice=0.3, rate=7e-4),
    ]
    learner = Learner(configuration(options.tiny), len(learned.names))
    if options.start:
        learner.take(options.start, learned.names)
    trials = _material(held, options, injected=True, n=options.judged_batches, seed=99)
    judged = [trials[k] for k in range(len(trials))]
    training = Training(options.out, learner, stages, positive_weights(judged), options.device, options.seed)
    print(
        f"{learned.hours:.1f} h by {len(learned.names)} voices to learn from, {len(held.names)} held out; "
        f"step {training.step} of {sum(options.steps)}",
        flush=True,
    )
    began, saved, recent = time.time(), time.time(), []
    while training.step < sum(options.steps):
        stage, done = training.stage()
        crops = _material(learned, options, injected=stage.aware > 0, n=stage.n_steps, seed=options.seed)
        loader = DataLoader(
            Subset(crops, range(done, stage.n_steps)),
            batch_size=1,
            collate_fn=together,
            num_workers=options.workers,
            prefetch_factor=4 if options.workers else None,
        )
        for batch in tqdm(loader, desc=stage.name, initial=done, total=stage.n_steps, mininterval=5):
            recent.append(training.learn(batch))
            last = training.step == sum(options.steps)
            if training.step % options.judge_every == 0 or last:
                entry: dict[str, Any] = {
                    "step": training.step,
                    "stage": stage.name,
                    "hours": (time.time() - began) / 3600,
                }
                for key in recent[-1]:
                    entry[key] = float(np.mean([r[key] for r in recent if key in r]))
                if stage.aware:
                    entry["average_precision"] = training.judge(judged)
                with (options.out / "log.jsonl").open("a", encoding="utf-8") as log:
                    log.write(json.dumps(entry) + "\n")
                recent = []
            if time.time() - saved >= options.save_every_s or last:
                training.save()
                saved = time.time()
    notes = {key: str(value) if isinstance(value, Path) else value for key, value in vars(options).items()}
    return training.export(learned.names, {"options": notes, "hours_of_speech": learned.hours, "types": TYPES})


def _material(speech: Speech, options: argparse.Namespace, *, injected: bool, n: int, seed: int) -> Crops:
    return Crops(
        speech, crop_s=options.crop_s, batch_size=options.batch_size, injected=injected, seed=seed, n_batches=n
    )


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Return what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("speech", type=Path, help="folder made by make_speech.py")
    parser.add_argument("--out", type=Path, required=True, help="folder of the run")
    parser.add_argument("--start", type=Path, help="encoder of an earlier run, whose weights to begin with")
    parser.add_argument("--steps", type=int, nargs=2, default=[2000, 4000], help="of both stages")
    parser.add_argument("--batch-size", type=int, default=16, help="crops of a step")
    parser.add_argument("--crop-s", type=float, default=8.0, help="length of a crop")
    parser.add_argument("--workers", type=int, default=1, help="processes that prepare crops")
    parser.add_argument("--leave-out", nargs="*", default=[], help="engines not to learn from")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--judge-every", type=int, default=200, help="steps between judgements")
    parser.add_argument("--judged-batches", type=int, default=12, help="batches to judge by")
    parser.add_argument("--save-every-s", type=float, default=120.0, help="how often to write the state")
    parser.add_argument("--tiny", action="store_true", help="a model for trying out")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    print(f"encoder: {run(parse())}")
