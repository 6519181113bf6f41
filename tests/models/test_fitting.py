import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from relaylib.models import TrainConfig, fitting
from relaylib.models.example import Example
from relaylib.models.fitting import fit_folds
from relaylib.types import Annotation, AudioItem

N, HOP_MS = 200, 20


class TwoColumns:
    """Stands for an encoder of which only the shape matters."""

    name, dim, n_layers, hop = "two-columns", 2, 1, 320


def example(name, *, seen_in_second_column, judges=True):
    """Four seconds with one event, which the second column shows or does not."""
    rows = np.random.default_rng(len(name)).standard_normal((N, 2)) * [1.0, 0.1]
    if seen_in_second_column:
        rows[100:120, 1] += 5.0
    spans = (Annotation(100 * HOP_MS, 120 * HOP_MS, "knock"),)
    return Example(AudioItem(name, N * HOP_MS, None, spans), rows.astype(np.float16), judges)


@pytest.mark.parametrize("head", ["linear", "mlp", "conv"])
def test_heads_learn_from_what_does_not_judge(head):
    """What judges the first classifier is known by the second column, of which only copies could have told it."""
    judging = [example("a" * (k + 1), seen_in_second_column=k < 2) for k in range(4)]
    copies = [example("b" * (k + 9), seen_in_second_column=True, judges=False) for k in range(2)]
    config = TrainConfig(head=head, epochs=20, batch_size=8)
    _, judged, _ = fit_folds(
        [*judging, *copies], [[0, 1], [2, 3, 4, 5]], ("knock",), TwoColumns(), config, lambda _: None
    )
    assert len(judged) == 4
    for own in judged[:2]:
        assert own.logits[104:116].min() > np.delete(own.logits, slice(90, 130)).max()


def test_trainings_side_by_side_draw_the_same_weights(monkeypatch):
    """Each as if it were alone, although torch has one source of random numbers for all threads."""

    def slowly(*args, **options):
        time.sleep(0.05)  # between the seed and the numbers
        return make_head(*args, **options)

    make_head = fitting.make_head
    monkeypatch.setattr(fitting, "make_head", slowly)
    material = [example("a" * (k + 1), seen_in_second_column=True) for k in range(2)]
    config = TrainConfig(head="mlp", epochs=1, batch_size=8)

    def weights():
        head, *_ = fit_folds(material, [[0], [1]], ("knock",), TwoColumns(), config, lambda _: None)
        return [values.numpy().tobytes() for values in head.state_dict().values()]

    with ThreadPoolExecutor(2) as pool:
        assert [*pool.map(lambda _: weights(), range(2))] == [weights()] * 2
