"""What cannot be trained with is refused before any work, by the name of the setting."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from relaylib.errors import ParameterError
from relaylib.models import TrainConfig

WHOLE = ("epochs", "batch_size", "chunk_size_ms", "stride_ms", "seed", "patience", "injected_copies")


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("value", [100.0, 100.5, "100", True, None])
def test_counts_are_whole_numbers(name, value):
    with pytest.raises(ParameterError, match=f"^{name}={value!r}: need a whole number"):
        TrainConfig(**{name: value})


@pytest.mark.parametrize("name", WHOLE)
def test_whole_numbers_of_numpy_are_such(name):
    found = getattr(TrainConfig(**{"stride_ms": 100, name: np.int64(100)}), name)
    assert (found, type(found)) == (100, int)


@pytest.mark.parametrize("seed", [-1, 2**63, 99999999999999999999999])
def test_seeds_fit_in_what_takes_them(seed):
    assert TrainConfig(seed=2**63 - 1).seed == 2**63 - 1
    with pytest.raises(ParameterError, match=f"^seed={seed}: need 0 <= seed <= 9223372036854775807"):
        TrainConfig(seed=seed)


def test_one_type_is_given_as_a_tuple_of_one():
    with pytest.raises(ParameterError, match=r"^artifact_types='glitch': need names, such as \('glitch',\)"):
        TrainConfig(artifact_types="glitch")


@pytest.mark.parametrize(
    ("name", "given", "kept"),
    [
        ("learning_rate", np.float64(0.001), 0.001),
        ("validation_split", np.float32(0.25), 0.25),
        ("max_false_alarms_per_hour", np.int64(5), 5.0),
        ("speeds", np.array([0.5, 1.25]), (0.5, 1.25)),
        ("speeds", [2], (2.0,)),
        ("artifact_types", np.array(["glitch", "echo"]), ("glitch", "echo")),
    ],
)
def test_what_numpy_gives_can_be_written_down(name, given, kept):
    """A sweep draws rates by NumPy; a detector is written at the end of a training, not before."""
    config = TrainConfig(**{name: given})
    assert getattr(config, name) == kept
    assert isinstance(hash(config), int)
    assert msgspec.json.decode(msgspec.json.encode(config), type=TrainConfig) == config


@pytest.mark.parametrize(
    ("name", "value", "needed"),
    [
        ("learning_rate", "0.001", "a number"),
        ("validation_split", None, "a number"),
        ("speeds", 0.9, "several"),
        ("speeds", ("0.9",), "a number"),
        ("artifact_types", 1, "several"),
    ],
)
def test_what_is_no_number_or_no_list_is_named(name, value, needed):
    with pytest.raises(ParameterError, match=f"^{name}=.*: need {needed}"):
        TrainConfig(**{name: value})
