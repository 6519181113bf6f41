import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient

import relaylib
from relaylib.audio import save
from relaylib.errors import ParameterError
from relaylib.models import TrainConfig, TrainProgress
from relaylib.types import Annotation, ArtifactType, AudioItem, Manifest, Waveform
from relaylib.widgets.curves import TrainingCurves, curve_series
from relaylib.widgets.notebook import in_notebook


def told(fold, epoch, f1, done):
    return TrainProgress("training", done, 6, fold, epoch, 1.0 / epoch, 2.0 / epoch, f1)


HISTORY = [
    TrainProgress("embedding", 1, 1),
    told(1, 1, 0.25, 1),
    told(0, 1, 0.5, 2),
    told(0, 2, 0.75, 3),
    told(1, 2, 0.25, 4),
    told(0, 3, 0.75, 5),
]
"""Two folds side by side; the second stops after two epochs of three."""


def test_each_fold_has_its_curves():
    series = curve_series(HISTORY)
    assert series["validation_f1"]["fold"] == [0, 1]
    assert series["validation_f1"]["xs"] == [[1, 2, 3], [1, 2]]
    assert series["validation_f1"]["ys"] == [[0.5, 0.75, 0.75], [0.25, 0.25]]
    assert series["train_loss"]["ys"] == [[1.0, 1 / 2, 1 / 3], [1.0, 1 / 2]]
    assert series["validation_loss"]["ys"] == [[2.0, 1.0, 2 / 3], [2.0, 1.0]]
    assert len(set(series["train_loss"]["color"])) == 2


def test_the_first_of_the_best_epochs_is_taken():
    """As training does: an epoch that is only as good does not replace the one before."""
    assert curve_series(HISTORY)["best"]["x"] == [2, 1]
    assert curve_series(HISTORY)["best"]["y"] == [0.75, 0.25]


def test_nothing_yet_has_no_curves():
    assert curve_series([])["best"] == {"x": [], "y": [], "fold": [], "color": []}


def test_the_widget_shows_where_training_stands():
    curves = TrainingCurves()
    for progress in HISTORY[:1]:
        curves(progress)
    assert "embedding recording 1 of 1" in curves._text.value
    assert curves._view.layout.display == "none"
    for progress in HISTORY[1:]:
        curves(progress)
    curves.finish()
    assert curves._view.layout.display is None
    assert curves._view.data_best["x"] == [2, 1]
    assert curves._view.properties["epochs"]["end"] > 3
    assert curves._view.properties["loss"]["end"] > 2.0
    assert curves._bar.value == curves._bar.max == 6
    assert "2 folds, 5 epochs, best validation F1 0.50 on average" in curves._text.value


def test_the_end_of_a_training_without_epochs_is_shown():
    curves = TrainingCurves()
    curves.finish()
    assert repr(curves) == "TrainingCurves(trained: 0 folds, 0 epochs)"
    assert curves._text.value == "trained: 0 folds, 0 epochs"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Give four recordings of noise with two bursts each, and the manifest of them."""
    folder, rng = tmp_path_factory.mktemp("bursts"), np.random.default_rng(0)
    items = []
    for k in range(4):
        samples = rng.normal(0, 0.01, 48_000).astype(np.float32)
        for at in (0.5, 1.5 + k / 4):
            samples[int(at * 16_000) : int(at * 16_000) + 3200] += rng.normal(0, 0.3, 3200).astype(np.float32)
        save(folder / f"{k}.wav", Waveform(samples))
        spans = tuple(Annotation(int(1000 * at), int(1000 * at) + 200, "burst") for at in (0.5, 1.5 + k / 4))
        items.append(AudioItem(f"{k}.wav", 3000, annotations=spans))
    relaylib.write_manifest(Manifest((ArtifactType("burst"),), tuple(items)), folder / "labels.json")
    return folder


CONFIG = TrainConfig(epochs=2, validation_split=0.5)


@pytest.fixture(scope="module")
def plain(folder, tmp_path_factory):
    """Give the file of the detector that the core trains, told nothing about progress."""
    detector = relaylib.models.train(relaylib.read_manifest(folder / "labels.json"), config=CONFIG, audio_root=folder)
    return detector.save(tmp_path_factory.mktemp("plain") / "plain.safetensors").read_bytes()


@pytest.mark.parametrize("progress", ["auto", None, "callable"])
def test_what_is_trained_does_not_depend_on_who_watches(folder, plain, tmp_path, progress):
    watcher = TrainingCurves() if progress == "callable" else progress
    manifest = relaylib.read_manifest(folder / "labels.json")
    detector = relaylib.train(manifest, config=CONFIG, audio_root=folder, progress=watcher)
    assert detector.save(tmp_path / "one.safetensors").read_bytes() == plain
    if progress == "callable":
        assert {event.stage for event in watcher.history} == {"embedding", "training"}


@pytest.mark.slow
def test_in_a_notebook_the_curves_are_shown_and_nothing_else_changes(folder, plain):
    """A real kernel: the cell shows the widget, the detector is the same to the byte, and the text has no address."""
    code = (
        "import relaylib\n"
        f"manifest = relaylib.read_manifest({str(folder / 'labels.json')!r})\n"
        "config = relaylib.TrainConfig(epochs=2, validation_split=0.5)\n"
        f"detector = relaylib.train(manifest, config=config, audio_root={str(folder)!r})\n"
        f"detector.save({str(folder / 'kernel.safetensors')!r})\n"
        "detector"
    )
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    NotebookClient(
        notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    ).execute()
    shown, detector = (output["data"] for output in notebook.cells[0]["outputs"] if "data" in output)
    assert "application/vnd.jupyter.widget-view+json" in shown
    assert shown["text/plain"].startswith("TrainingCurves(trained: ")
    assert "<b>Detector</b> 1 type" in detector["text/html"]
    assert (folder / "kernel.safetensors").read_bytes() == plain


def test_here_is_no_notebook():
    assert not in_notebook()


def test_a_progress_that_is_neither_is_refused():
    with pytest.raises(ParameterError, match="progress='bar': need 'auto', a function of a TrainProgress, or None"):
        relaylib.train(Manifest((), ()), progress="bar")
