"""What README.md shows works: its Python and its labels on the demo's speech, its commands, links and make targets."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import replace
from pathlib import Path

import click
import pytest

import relaylib
from relaylib.api import TrainingConfig
from relaylib.cli import main
from relaylib.client.training_jobs import TrainingJobs
from relaylib.demo import load_demo
from relaylib.formats import read_manifest, write_manifest
from relaylib.server import ServerProcess
from relaylib.types import AudioItem, Manifest

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
TEXT = (ROOT / "README.md").read_text("utf-8")


def _blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


def _commands(first_word: str) -> list[list[str]]:
    lines = [line for block in _blocks("sh") for line in block.splitlines()]
    return [shlex.split(line, comments=True)[1:] for line in lines if line.startswith(f"{first_word} ")]


def _part(manifest: Manifest, n_files: int) -> Manifest:
    """Return the shortest recordings with spans and a clean one, and the types that occur in them."""
    by_length = sorted(manifest, key=lambda item: item.duration_ms or 0)
    chosen = [item for item in by_length if item.annotations][: n_files - 1]
    chosen += [item for item in by_length if not item.annotations][:1]
    used = {span.artifact_type for item in chosen for span in item.annotations}
    return Manifest(tuple(t for t in manifest.artifact_types if t.name in used), tuple(chosen))


def _copied(items: Manifest, source: Path, folder: Path) -> tuple[AudioItem, ...]:
    folder.mkdir()
    for item in items:
        (folder / Path(item.filename).name).write_bytes((source / item.filename).read_bytes())
    return tuple(replace(item, filename=Path(item.filename).name) for item in items)


def test_the_detector_that_comes_along_detects(tmp_path, monkeypatch, capsys):
    """In a recording of the demo with a long pause."""
    demo = load_demo()
    item = next(i for i in demo.test.audio if any(span.artifact_type == "long_pause" for span in i.annotations))
    (tmp_path / "take1.flac").write_bytes((demo.audio_root / item.filename).read_bytes())
    monkeypatch.chdir(tmp_path)
    example, *_ = _blocks("python")
    exec(example, {})
    assert "long_pause" in capsys.readouterr().out


def test_the_annotator_opens(tmp_path, monkeypatch):
    """On a folder of the demo's speech; nothing is written before something is marked."""
    demo = load_demo()
    _copied(_part(demo.train, 2), demo.audio_root, tmp_path / "speech")
    monkeypatch.chdir(tmp_path)
    _, example, *_ = _blocks("python")
    names = {}
    exec(example, names)
    assert len(names["annotator"].files) == 2
    assert not (tmp_path / "labels.json").exists()
    names["annotator"].close()


def test_the_python_example_runs(tmp_path, monkeypatch, capsys):
    """With a few of the demo's recordings as ``speech``, ``labels.json``, ``new`` and ``new.json``."""
    demo = load_demo()
    labels, new = _part(demo.train, 4), _part(demo.test, 3)
    audio = _copied(new, demo.audio_root, tmp_path / "new")
    (tmp_path / "new" / audio[0].filename).rename(tmp_path / "new" / "take1.flac")
    audio = (replace(audio[0], filename="take1.flac"), *audio[1:])
    write_manifest(
        replace(labels, audio=_copied(labels, demo.audio_root, tmp_path / "speech")), tmp_path / "labels.json"
    )
    write_manifest(replace(new, audio=audio), tmp_path / "new.json")
    monkeypatch.chdir(tmp_path)
    *_, example, _ = _blocks("python")
    exec(example, {})
    assert (tmp_path / "my.safetensors").stat().st_size > 0
    printed = capsys.readouterr().out
    assert all(name in printed for name in new.type_names)
    assert "failed" not in printed


@pytest.mark.slow
@pytest.mark.workers
def test_the_example_over_http_runs(tmp_path, monkeypatch):
    """Against a server of its own, with all of the demo's speech: training wants five minutes. It is a short one."""
    demo = load_demo()
    (tmp_path / "speech").symlink_to(demo.audio_root)
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "take1.flac").write_bytes((demo.audio_root / demo.test.audio[0].filename).read_bytes())
    write_manifest(Manifest(demo.train.artifact_types, demo.train.audio + demo.test.audio), tmp_path / "labels.json")
    monkeypatch.chdir(tmp_path)
    *_, example = _blocks("python")
    create = TrainingJobs.create

    def create_short(self, dataset_id, set_id, types):
        return create(self, dataset_id, set_id, TrainingConfig(types, epochs=2, validation_split=0.5))

    monkeypatch.setattr(TrainingJobs, "create", create_short)
    with ServerProcess(tmp_path / "data") as server:
        monkeypatch.setenv("RELAY_BASE_URL", server.url)
        monkeypatch.setenv("RELAY_API_KEY", server.key)
        names = {"relaylib": relaylib}
        exec(example, names)
    (result,) = names["results"]
    assert (result.original_filename, result.status) == ("take1.flac", "completed")


def test_the_labels_are_a_manifest(tmp_path):
    (block,) = _blocks("json")
    json.loads(block)
    (tmp_path / "labels.json").write_text(block, "utf-8")
    manifest = read_manifest(tmp_path / "labels.json")
    assert manifest.type_names == ("glitch", "long_pause")
    assert [len(item.annotations) for item in manifest] == [1, 0]


@pytest.mark.parametrize("words", _commands("relaylib"), ids=" ".join)
def test_commands_and_their_options_exist(words, tmp_path, monkeypatch):
    """Each line parses, with files of the names it gives; nothing is run."""
    monkeypatch.chdir(tmp_path)
    for name in words:
        if name.endswith("/"):
            (tmp_path / name).mkdir()
    command = main.commands[words[0]]
    context = command.make_context(words[0], words[1:], resilient_parsing=False)
    assert context.params


def test_every_command_is_shown():
    shown = {words[0] for words in _commands("relaylib")}
    assert isinstance(main, click.Group)
    assert set(main.commands) - shown <= {"demo"}  # that is `make demo`


def test_make_targets_exist():
    targets = re.findall(r"^([a-z]+):.*## ", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert {words[0] for words in _commands("make")} <= set(targets)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    """Files and folders of the repository that a page links or shows are there, and anchors are headings of it."""
    text = page.read_text("utf-8")
    targets = re.findall(r"\]\(([^)\s]+)\)", text)
    headings = {
        re.sub(r"[^\w\- ]", "", h).strip().lower().replace(" ", "-") for h in re.findall(r"^#+ (.*)$", text, re.M)
    }
    anchors = {target[1:] for target in targets if target.startswith("#")}
    assert anchors <= headings
    files = {target.partition("#")[0] for target in targets if not re.match(r"https?:|#", target)}
    assert not [name for name in files if not (page.parent / name).exists()]
