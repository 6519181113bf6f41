"""What importing costs, which room imports which, and that exported names exist."""

import ast
import importlib
import os
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import relaylib

ROOT = Path(relaylib.__file__).parent
HEAVY = ("torch", "torchaudio", "transformers", "librosa", "bokeh", "litestar", "sklearn", "matplotlib", "scipy")

BASE = {"errors", "files", "lock", "types", "version", "optional"}
# What each room may import, as docs and design have it. The report of `evaluate` shows its worst errors as pictures
# with sound, by the functions of `plot` and `audio`. `models` may use `evaluate`: operating points are tuned by,
# and metrics are, the event and segment scores that `evaluate` defines; a second definition would drift from it. And
# `inject`: training can put artifacts into clean recordings.
ALLOWED = {
    "errors": set(),
    "version": set(),
    "files": BASE,
    "lock": BASE,
    "optional": BASE,
    "types": {"errors"},
    "audio": BASE,
    "postprocess": BASE,
    "evaluate": BASE | {"postprocess", "audio", "plot"},
    "plot": BASE,
    "formats": BASE,
    "inject": BASE | {"audio"},
    "models": BASE | {"audio", "postprocess", "evaluate", "inject"},
    "api": {"errors", "types"},
    "client": BASE | {"api"},
}
SHELLS = {"cli", "demo", "server", "widgets", "__main__"}


def run(code):
    environment = {**os.environ, "PYTHONPATH": str(ROOT.parent)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    return done.stdout.strip()


@pytest.mark.alone
def test_import_takes_less_than_a_third_of_a_second():
    """The best of several."""
    code = "import time; t = time.perf_counter(); import relaylib; print(time.perf_counter() - t)"
    assert min(float(run(code)) for _ in range(5)) < 0.3


@pytest.mark.parametrize("room", ["", ".models", ".postprocess", ".types", ".formats", ".audio", ".models.config"])
def test_importing_a_room_loads_nothing_heavy(room):
    """Neither torch nor anything else that takes long is there before it is used."""
    heavy = HEAVY if room in ("", ".models", ".types", ".models.config") else set(HEAVY) - {"scipy"}
    loaded = run(f"import relaylib{room}, sys; print(*(name for name in {tuple(heavy)} if name in sys.modules))")
    assert loaded == ""


def test_numpy_alone_is_loaded_by_the_values_of_the_top():
    """Using the names that need no model costs no torch."""
    code = "import relaylib, sys; relaylib.Manifest((), ()); relaylib.DecodeConfig(); print('torch' in sys.modules)"
    assert run(code) == "False"


def test_the_servers_own_process_needs_no_torch():
    """It would take a second longer to start, and 200 MB; so would each of its commands."""
    assert run("import relaylib.server.cli, sys; print('torch' in sys.modules)") == "False"


def test_the_server_without_its_packages_says_how_to_get_them():
    """As after the plain install, which leaves out the extra."""
    code = (
        "import sys, runpy; sys.modules['sqlalchemy'] = None; runpy.run_module('relaylib.server', run_name='__main__')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == (
        'error: sqlalchemy is not installed; the server needs the extra "server": pip install "relaylib[server]"\n'
    )


def test_the_server_says_that_it_does_not_run_on_windows():
    """Where the packages are there, but not the system's locks."""
    code = "import sys, runpy; sys.platform = 'win32'; runpy.run_module('relaylib.server', run_name='__main__')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == "error: the server needs Linux or macOS; on Windows it runs in WSL or a container.\n"


@pytest.mark.skipif(sys.platform != "linux", reason="torch computes by GNU OpenMP on Linux")
@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({}, "GOMP_SPINCOUNT = '2000'"),
        ({"GOMP_SPINCOUNT": "123"}, "GOMP_SPINCOUNT = '123'"),
        ({"OMP_WAIT_POLICY": "passive"}, "GOMP_SPINCOUNT = '0'"),
    ],
)
def test_threads_of_torch_wait_briefly_unless_told_otherwise(said, expected):
    """GNU OpenMP says itself what it has read when torch is loaded after relaylib."""
    environment = {k: v for k, v in os.environ.items() if k not in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")}
    done = subprocess.run(
        [sys.executable, "-c", "import relaylib, torch"],
        env={**environment, **said, "OMP_DISPLAY_ENV": "verbose", "PYTHONPATH": str(ROOT.parent)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert expected in done.stderr


def imported_rooms(path):
    """Return the rooms of relaylib that a module imports anywhere, inside functions too."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            names.add(node.module)
            if node.module == "relaylib":
                names |= {f"relaylib.{alias.name}" for alias in node.names}
    return {name.split(".")[1] for name in names if name.startswith("relaylib.")}


MODULES = sorted(ROOT.rglob("*.py"))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_imports_only_what_its_room_may(path):
    """The core imports no shell, and the server no widgets."""
    room = path.relative_to(ROOT).parts[0].removesuffix(".py")
    if room == "__init__":
        return
    rooms = imported_rooms(path) - {room, "__version__"}
    if room in SHELLS:
        assert room != "server" or "widgets" not in rooms
    else:
        assert room in ALLOWED, f"{room} is a new room: say here what it may import"
        assert rooms <= ALLOWED[room], f"{room} imports {rooms - ALLOWED[room]}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_only_models_import_torch_at_their_top(path):
    """Others, which take tensors where they are given some, import it inside of functions."""
    if path.relative_to(ROOT).parts[0] == "models":
        return
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        assert not {name.split(".")[0] for name in names} & {"torch", "torchaudio", "transformers"}


PACKAGES = ["relaylib", *(f"relaylib.{m.name}" for m in pkgutil.iter_modules([str(ROOT)]) if m.ispkg)]


@pytest.mark.parametrize("name", PACKAGES)
def test_all_that_is_exported_can_be_imported(name):
    """``__all__`` holds no name twice, and each of them is there."""
    package = importlib.import_module(name)
    exported = package.__all__
    assert len(set(exported)) == len(exported)
    for attribute in exported:
        assert getattr(package, attribute) is not None
    assert set(exported) <= set(dir(package))


@pytest.mark.parametrize("name", PACKAGES)
def test_public_names_of_a_package_are_exported(name):
    """What a package takes from its modules is in ``__all__``: nothing public is there by accident."""
    path = ROOT / Path(*name.split(".")[1:]) / "__init__.py"
    brought = {
        alias.asname or alias.name
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("relaylib")
        for alias in node.names
    }
    public = {attribute for attribute in brought if not attribute.startswith("_")}
    assert public <= set(importlib.import_module(name).__all__)
