"""The three files that CONTRIBUTING.md shows do what the page says: they are cut out of it and used."""

from __future__ import annotations

import doctest
import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import relaylib.evaluate
import relaylib.formats
import relaylib.formats.registry as registry
import relaylib.models
from relaylib.errors import FormatError
from relaylib.models import embed, encoder, load_encoder
from relaylib.types import HOP, Annotation, ArtifactType, AudioItem, Detection, Manifest

PAGE = Path(__file__).parents[1] / "CONTRIBUTING.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
FILES = {found[1]: block for block in BLOCKS if (found := re.match(r"# relaylib/(\S+)\.py\n", block))}


def test_the_source_distribution_has_what_the_checks_go_over():
    """And what the pages link: whoever unpacks it can run `make lint` and `make test`."""
    tomllib = pytest.importorskip("tomllib")
    settings = tomllib.loads(PAGE.with_name("pyproject.toml").read_text("utf-8"))
    tool = settings["tool"]
    included = {path.strip("/") for path in tool["hatch"]["build"]["targets"]["sdist"]["include"]}
    pages = [*PAGE.parent.glob("*.md"), *PAGE.parent.glob("docs/*.md")]
    links = {link for page in pages for link in re.findall(r"\]\((?:\.\./)?(\w+)/", page.read_text("utf-8"))}
    linked = {link for link in links if (PAGE.parent / link).is_dir()}
    assert {"deploy", "pretraining", "relaylib"} <= linked
    assert {*tool["mypy"]["files"], *tool["pytest"]["ini_options"]["testpaths"], *linked} <= included


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    """Put a file of the page beside those of its package, as a contributor would; return how to import it."""

    def add(name: str) -> ModuleType:
        package = importlib.import_module(f"relaylib.{Path(name).parent.name}")
        path = tmp_path / f"{name}.py"
        path.parent.mkdir()
        path.write_text(FILES[name], "utf-8")
        monkeypatch.setattr(package, "__path__", [*package.__path__, str(path.parent)])
        registry._shipped.cache_clear()
        return importlib.import_module(f"relaylib.{name.replace('/', '.')}")

    before = set(sys.modules)
    yield add
    monkeypatch.undo()
    registry._shipped.cache_clear()
    for name in set(sys.modules) - before:
        if name.rpartition(".")[2] in {Path(file).name for file in FILES}:
            del sys.modules[name]


def test_the_page_shows_one_file_of_each_kind():
    assert sorted(FILES) == ["evaluate/lateness", "formats/htk", "models/loudness"]


def test_the_encoder_loads_by_its_name_and_embeds_long_audio(install, monkeypatch, tmp_path):
    """Registered by the second block of the page; a recording longer than a window gives the same frames."""
    install("models/loudness")
    monkeypatch.setattr(encoder, "_FACTORIES", dict(encoder._FACTORIES))
    registration = next(block for block in BLOCKS if "register_encoder(" in block)
    exec(registration, {})
    loudness = load_encoder("loudness")
    samples = np.random.default_rng(0).normal(0, 0.1, loudness.window * 5 // 2 + 7).astype(np.float32)
    samples[HOP * 10 : HOP * 11] = 0.0
    frames = embed(samples, loudness)
    np.testing.assert_array_equal(frames.embeddings, loudness.encode(samples))
    assert frames.embeddings.shape == (-(-len(samples) // HOP), loudness.dim)
    assert frames.embeddings[10, 0] == pytest.approx(-100.0)
    assert frames.embeddings[9, 0] == pytest.approx(-20.0, abs=1.0)


def test_the_format_is_found_by_its_ending_and_converts(install, tmp_path):
    """Spans come back to the millisecond, from and to a format that knows nothing of it; bad lines are named."""
    install("formats/htk")
    spans = (Annotation(1234, 1250, "click"), Annotation(2000, 3001, "long pause"))
    types = (ArtifactType("click"), ArtifactType("long pause"))
    manifest = Manifest(types, (AudioItem("take1.wav", annotations=spans),))
    (lab,) = relaylib.formats.write(manifest, tmp_path / "take1.lab")
    assert lab.read_text("utf-8") == "12340000 12500000 click\n20000000 30010000 long pause\n"
    relaylib.formats.write(relaylib.formats.read(lab), tmp_path / "take1.json")
    assert relaylib.formats.read(tmp_path / "take1.json") == manifest
    lab.write_text("12340000 12500000 click\n2.0 3.0 pause\n", "utf-8")
    with pytest.raises(FormatError, match=r"take1.lab, line 2: '2.0 3.0 pause' is no label"):
        relaylib.formats.read(lab)


def test_the_metric_computes_what_it_says(install):
    """Two hits, 20 ms late and 50 ms early: (20 - 50) / 2 = -15; a type without hits has no lateness."""
    module = install("evaluate/lateness")
    reference = [[Annotation(100, 200, "click")], [Annotation(1000, 1500, "click"), Annotation(0, 90, "echo")]]
    estimate = [[Detection(120, 200, "click", 0.9)], [Detection(950, 1500, "click", 0.5)]]
    late = module.lateness_ms(reference, estimate, ["click", "echo"])
    assert late["click"] == -15.0
    assert np.isnan(late["echo"])
    assert module.lateness_ms(reference, reference, ["click", "echo"]) == {"click": 0.0, "echo": 0.0}
    assert doctest.testmod(module).failed == 0
