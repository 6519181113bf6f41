import json
import pickle
import struct
import subprocess
import sys
import textwrap

import msgspec
import numpy as np
import pytest
import safetensors.torch
import torch
from labelled_speech import spectral, untrained
from small_encoders import PlaceholderEncoder

from relaylib.errors import EncoderNotAvailableError, ModelFormatError, ParameterError
from relaylib.models import Detector, detector_file
from relaylib.models.config import HEADS
from relaylib.models.golden import golden_clip


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """Return the path of a sound file."""
    return untrained().save(tmp_path_factory.mktemp("models") / "good.safetensors")


def load(path):
    return Detector.load(path, encoder=spectral())


def parts(path):
    """Return the metadata and the tensors of a file."""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    return json.loads(json.loads(data[8 : 8 + length])["__metadata__"]["relaylib"]), safetensors.torch.load(data)


def forged(tmp_path, meta, tensors):
    """Write a file with a checksum that fits, as somebody who knows the format could."""
    known = {name: tensor for name, tensor in tensors.items() if not tensor.is_complex() and tensor.dtype != torch.bool}
    try:
        struct_ = msgspec.convert(meta, detector_file.DetectorMeta)
        meta = {**meta, "checksum": detector_file._checksum(struct_, known)}
    except (msgspec.ValidationError, TypeError):
        pass  # refused before the checksum is looked at
    path = tmp_path / "forged.safetensors"
    path.write_bytes(safetensors.torch.save(tensors, metadata={"relaylib": json.dumps(meta)}))
    return path


@pytest.mark.parametrize("kind", HEADS)
def test_a_detector_comes_back_as_it_was(tmp_path, kind):
    """Scores, types, metrics and training config are the same, and saving again gives the same bytes."""
    detector = untrained(kind=kind)
    loaded = load(detector.save(tmp_path / "a.safetensors"))
    sound = golden_clip().astype(np.float32) / 32768
    np.testing.assert_array_equal(loaded.score(sound).values, detector.score(sound).values)
    for name in ("artifact_types", "metrics", "config"):
        assert getattr(loaded, name) == getattr(detector, name)
    assert repr(loaded) == repr(detector)
    loaded.save(tmp_path / "b.safetensors")
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()


def test_equal_detectors_give_equal_bytes_and_others_do_not(tmp_path):
    paths = [untrained(seed=seed).save(tmp_path / f"{k}.safetensors") for k, seed in enumerate((0, 0, 1))]
    same, again, other = [path.read_bytes() for path in paths]
    assert same == again != other


def test_the_encoder_is_found_by_the_files_word_alone(good):
    assert Detector.load(good).encoder.name == "spectral"
    assert Detector.load(str(good)).artifact_types == ("gap", "click", "echo")


def test_loading_draws_no_random_numbers(good):
    torch.manual_seed(5)
    before = torch.get_rng_state()
    load(good)
    assert torch.equal(torch.get_rng_state(), before)


def test_the_file_says_how_the_detector_was_made(good):
    meta, tensors = parts(good)
    assert meta["encoder"]["fingerprint"] == spectral().fingerprint
    assert {"artifact_types", "decoding", "head", "metrics", "points", "resampler", "train_config"} <= set(meta)
    assert {"library_version", "format", "sample_rate"} <= set(meta)
    assert {"golden.clip", "golden.scores"} <= set(tensors)


def test_folders_are_made_and_nothing_is_left_beside_the_file(tmp_path):
    path = untrained().save(tmp_path / "new" / "folder" / "a.safetensors")
    assert [p.name for p in path.parent.iterdir()] == ["a.safetensors"]
    assert path.stat().st_mode & 0o777 == 0o644


def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    path = untrained().save(tmp_path / "a.safetensors")
    before = path.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(OSError, match="No space left"):
        untrained(seed=1).save(path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.safetensors"]


@pytest.mark.parametrize("name", ["absent.safetensors", ".", "x" * 5000, "null\0byte"])
def test_what_is_no_file_is_refused(tmp_path, name):
    with pytest.raises(ModelFormatError, match=r"is not a file|cannot be read"):
        load(tmp_path / name)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"not a model\n" * 50,
        bytes(64),
        b"\xff" * 64,
        struct.pack("<Q", 2**63) + b"{}",
        struct.pack("<Q", 10**12) + b'{"__metadata__": {}}',
        struct.pack("<Q", 2) + b"[]",
        struct.pack("<Q", 4) + b"null",
        struct.pack("<Q", 100_000) + b"[" * 100_000,
        struct.pack("<Q", 24) + b'{"__metadata__": "text"}',
        struct.pack("<Q", 33) + b'{"__metadata__": {"relaylib": 17}}'[:33],
        struct.pack("<Q", 35) + b'{"__metadata__": {"relaylib": "17"}}'[:35],
        pickle.dumps({"weights": [1.0, 2.0]}),
    ],
    ids=lambda data: str(data[:12]),
)
def test_what_is_no_detector_is_refused(tmp_path, data):
    path = tmp_path / "bad.safetensors"
    path.write_bytes(data)
    with pytest.raises(ModelFormatError, match=r"bad\.safetensors"):
        load(path)


def test_a_pickle_is_not_run(tmp_path):
    """The classic attack: a file that would make a folder when it is unpickled."""
    torch.save({"weights": torch.zeros(3)}, tmp_path / "zip.pt")
    path = tmp_path / "evil.pt"
    path.write_bytes(b"cos\nmkdir\n(V" + str(tmp_path / "made").encode() + b"\ntR.")
    for bad in (path, tmp_path / "zip.pt"):
        with pytest.raises(ModelFormatError):
            load(bad)
    assert not (tmp_path / "made").exists()


def test_an_encoders_weights_are_told_from_a_detector(tmp_path):
    path = tmp_path / "model.safetensors"
    safetensors.torch.save_file({"encoder.weight": torch.zeros(3, 3)}, path, metadata={"format": "pt"})
    with pytest.raises(ModelFormatError, match="name its folder as the encoder"):
        load(path)


def test_a_file_that_is_cut_off_is_refused(tmp_path, good):
    data = good.read_bytes()
    path = tmp_path / "cut.safetensors"
    for length in [*range(12), *np.linspace(12, len(data) - 1, 60).astype(int)]:
        path.write_bytes(data[:length])
        with pytest.raises(ModelFormatError, match=r"cut\.safetensors"):
            load(path)
    path.write_bytes(data + b"\0")
    with pytest.raises(ModelFormatError, match="damaged"):
        load(path)


def test_a_flipped_bit_anywhere_is_found(tmp_path, good):
    """In the header, the metadata, the weights: an error, or a space that has become another."""
    data = good.read_bytes()
    header = 8 + struct.unpack("<Q", data[:8])[0]
    rng = np.random.default_rng(0)
    path = tmp_path / "flipped.safetensors"
    whole = load(good)
    sound = golden_clip()[:8000].astype(np.float32) / 32768
    n_loaded = 0
    for position in [*range(8), *rng.integers(8, header, 250), *rng.integers(header, len(data), 50)]:
        flipped = bytearray(data)
        flipped[position] ^= 1 << rng.integers(8)
        path.write_bytes(flipped)
        try:
            loaded = load(path)
        except ModelFormatError:
            continue
        n_loaded += 1
        assert (loaded.metrics, loaded.config) == (whole.metrics, whole.config)
        np.testing.assert_array_equal(loaded.score(sound).values, whole.score(sound).values)
    assert n_loaded < 10


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 2}, "later relaylib; upgrade"),
        ({"format": 0}, "format"),
        ({"format": "one"}, "metadata is damaged"),
        ({"artifact_types": "gap"}, "metadata is damaged"),
        ({"artifact_types": []}, "1 to 1000 artifact types"),
        ({"artifact_types": ["gap", "gap", "echo"]}, "that differ"),
        ({"artifact_types": ["gap", "", "echo"]}, "1 to 100 characters"),
        ({"artifact_types": ["gap"]}, "a point for each type"),
        ({"points": [[0.0, 1, 0]] * 3}, "metadata is damaged"),
        ({"points": [{"logit": 1e30, "min_frames": 1, "reach": 0}] * 3}, "points in range"),
        ({"points": [{"logit": 0.0, "min_frames": 10**9, "reach": 0}] * 3}, "points in range"),
        ({"points": [{"logit": 0.0, "min_frames": 1, "reach": -1}] * 3}, "points in range"),
        ({"points": [{"logit": None, "min_frames": 1, "reach": 0}] * 3}, "metadata is damaged"),
        ({"head": "tree"}, "a head of"),
        ({"head": "conv"}, "do not fit"),
        ({"n_members": 0}, "members"),
        ({"n_members": 10**9}, "members"),
        ({"n_members": 100}, "do not fit"),
        ({"n_members": 2.5}, "metadata is damaged"),
        ({"metrics": None}, "metadata is damaged"),
        ({"train_config": [1, 2]}, "metadata is damaged"),
        ({"sample_rate": 8000}, "sample rate"),
        ({"encoder": None}, "metadata is damaged"),
        ({"encoder": {"dim": 0}}, "dim"),
        ({"encoder": {"dim": -4}}, "dim"),
        ({"encoder": {"dim": 10**15}}, "dim"),
        ({"encoder": {"dim": 7}}, "do not fit"),
        ({"encoder": {"n_layers": 0}}, "n_layers"),
        ({"encoder": {"n_layers": 10**12}}, "n_layers"),
        ({"encoder": {"hop": 160}}, "describes encoder 'spectral' wrongly"),
        ({"encoder": {"layer": "all"}}, "metadata is damaged"),
    ],
    ids=str,
)
def test_metadata_that_breaks_its_rules_is_refused(tmp_path, good, change, message):
    meta, tensors = parts(good)
    for name, value in change.items():
        nested = isinstance(value, dict)
        meta[name] = {**meta[name], **value} if nested else value
    with pytest.raises(ModelFormatError, match=message):
        load(forged(tmp_path, meta, tensors))


def test_deeply_nested_metadata_is_refused(tmp_path, good):
    meta, tensors = parts(good)
    text = json.dumps(meta).replace('"f1_score": 0.75', '"f1_score": ' + "[" * 100_000 + "]" * 100_000)
    path = tmp_path / "deep.safetensors"
    path.write_bytes(safetensors.torch.save(tensors, metadata={"relaylib": text}))
    with pytest.raises(ModelFormatError, match="metadata is damaged"):
        load(path)


@pytest.mark.parametrize("missing", ["head.mean", "head.scale", "golden.clip", "golden.scores", "weight"])
def test_a_missing_tensor_is_refused(tmp_path, good, missing):
    meta, tensors = parts(good)
    name = next(name for name in tensors if name == missing or (missing == "weight" and name.endswith("weight")))
    del tensors[name]
    with pytest.raises(ModelFormatError, match=r"do not fit|no golden clip"):
        load(forged(tmp_path, meta, tensors))


def test_a_tensor_too_many_is_refused(tmp_path, good):
    meta, tensors = parts(good)
    for name in ("head.more", "more"):
        with pytest.raises(ModelFormatError, match=r"do not fit|damaged"):
            load(forged(tmp_path, meta, {**tensors, name: torch.zeros(3)}))


def spoiled(value):
    def spoil(tensor):
        tensor = tensor.clone()
        tensor.view(-1)[0] = value
        return tensor

    return spoil


@pytest.mark.parametrize(
    "spoil",
    [
        spoiled(np.nan),
        spoiled(np.inf),
        torch.Tensor.half,
        torch.Tensor.double,
        torch.Tensor.long,
        torch.Tensor.bfloat16,
        lambda tensor: tensor[None],
        lambda tensor: tensor[:0],
        lambda tensor: torch.cat([tensor, tensor]),
    ],
    ids=["nan", "inf", "half", "double", "long", "bfloat16", "one dimension more", "empty", "too long"],
)
@pytest.mark.parametrize("which", ["head.scale", "weight"])
def test_weights_of_a_wrong_kind_are_refused(tmp_path, good, spoil, which):
    meta, tensors = parts(good)
    name = next(name for name in tensors if name.endswith(which))
    changed = spoil(tensors[name])
    if changed.dtype == torch.bfloat16:  # which numpy, and so the checksum, does not know
        path = tmp_path / "bf16.safetensors"
        path.write_bytes(safetensors.torch.save({**tensors, name: changed}, metadata={"relaylib": json.dumps(meta)}))
    else:
        path = forged(tmp_path, meta, {**tensors, name: changed})
    with pytest.raises(ModelFormatError, match=r"do not fit|not finite float32"):
        load(path)


@pytest.mark.parametrize(
    ("name", "tensor"),
    [
        ("golden.clip", torch.zeros(0, dtype=torch.int16)),
        ("golden.clip", torch.zeros(16_000 * 31, dtype=torch.int16)),
        ("golden.clip", torch.zeros(24_000)),
        ("golden.clip", torch.zeros(2, 12_000, dtype=torch.int16)),
        ("golden.scores", torch.zeros(75, 3, dtype=torch.float64)),
        ("golden.scores", torch.zeros(75)),
        ("golden.scores", torch.zeros(0, 3)),
        ("golden.scores", torch.full((75, 3), torch.nan)),
    ],
    ids=str,
)
def test_a_golden_clip_of_a_wrong_kind_is_refused(tmp_path, good, name, tensor):
    meta, tensors = parts(good)
    with pytest.raises(ModelFormatError, match="golden clip"):
        load(forged(tmp_path, meta, {**tensors, name: tensor}))


@pytest.mark.parametrize("name", ["head.mean", "head.scale", "bias"])
def test_a_detector_that_scores_differently_than_when_saved_is_refused(tmp_path, good, name):
    """Weights that were changed with a checksum to match: the golden clip tells."""
    meta, tensors = parts(good)
    name = next(found for found in tensors if found.endswith(name))
    tensors[name] = tensors[name] + 0.5
    with pytest.raises(ModelFormatError, match="golden clip differently"):
        load(forged(tmp_path, meta, tensors))


def test_another_encoder_is_named_with_what_to_do(tmp_path, good):
    meta, _ = parts(good)
    other = PlaceholderEncoder()
    with pytest.raises(ModelFormatError, match="train again") as caught:
        Detector.load(good, encoder=other)
    for said in ("spectral", "placeholder", meta["encoder"]["fingerprint"][:12], other.fingerprint[:12]):
        assert said in str(caught.value)


@pytest.mark.parametrize(
    ("encoder", "error"),
    [
        ({"name": "nonsense"}, EncoderNotAvailableError),
        ({"name": ""}, EncoderNotAvailableError),
        ({"name": "~no-such-user"}, ModelFormatError),
        ({"name": "null\0byte"}, EncoderNotAvailableError),
        ({"name": "torchaudio:NO_SUCH"}, (EncoderNotAvailableError, ModelFormatError)),
        ({"layer": 3}, ModelFormatError),
        ({"layer": "mix"}, ModelFormatError),
    ],
    ids=str,
)
def test_an_encoder_that_the_file_names_wrongly_is_a_clear_error(tmp_path, good, encoder, error):
    meta, tensors = parts(good)
    meta["encoder"] = {**meta["encoder"], **encoder}
    with pytest.raises(error) as caught:
        Detector.load(forged(tmp_path, meta, tensors))
    assert not isinstance(caught.value, ParameterError)


def test_an_encoder_that_has_moved_says_which_detector_wants_it_and_what_to_do(tmp_path, good):
    meta, tensors = parts(good)
    meta["encoder"] |= {"name": "./moved/checkpoint", "layer": 3}
    path = forged(tmp_path, meta, tensors)
    with pytest.raises(EncoderNotAvailableError, match=r"no folder \./moved/checkpoint") as caught:
        Detector.load(path)
    assert str(path) in str(caught.value)
    assert "encoder=load_encoder('path/to/folder', layer=3)).save" in str(caught.value)


GIANT = """
    import resource, sys, types
    from relaylib.errors import ModelFormatError
    from relaylib.models import Detector
    resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))
    encoder = types.SimpleNamespace(name="giant", fingerprint="f", dim=1_000_000, n_layers=1, hop=320)
    try:
        Detector.load(sys.argv[1], encoder=encoder)
    except ModelFormatError as exc:
        print(exc)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no limits on memory")
def test_giant_dimensions_allocate_nothing(tmp_path, good):
    """A file of 8 MB that promises 100 members on a million columns (560 GB of weights) is refused."""
    meta, tensors = parts(good)
    meta["encoder"] |= {"name": "giant", "fingerprint": "f", "dim": 1_000_000}
    meta["n_members"], meta["head"] = 100, "mlp"
    tensors["head.mean"], tensors["head.scale"] = torch.zeros(1_000_000), torch.ones(1_000_000)
    path = forged(tmp_path, meta, tensors)
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(GIANT), str(path)], capture_output=True, text=True, check=False
    )
    assert "its weights do not fit its metadata" in done.stdout, done.stderr[-500:]
