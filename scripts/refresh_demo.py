"""Make again what the repository keeps of the demo: ``docs/images/demo.png`` and the outputs in the notebooks.

    python scripts/refresh_demo.py [--only picture|notebooks]

Run it when training or the pictures have changed. Pictures are reduced to 256 colours, which a spectrogram does not
show, and the notebooks keep no times and no versions, so that a second run changes nothing but what did change.
"""

# ruff: noqa: T201 (scripts print)
from __future__ import annotations

import argparse
import base64
import io
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from nbconvert.preprocessors import CoalesceStreamsPreprocessor, ExecutePreprocessor
from PIL import Image

from relaylib.demo import run

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs" / "images" / "demo.png"


def smaller(png: bytes) -> bytes:
    """Return a PNG picture with 256 colours at most."""
    target = io.BytesIO()
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    picture.quantize(256, dither=Image.Dither.NONE).save(target, "PNG", optimize=True)
    return target.getvalue()


def refresh_picture() -> None:
    """Run the demo and keep its picture."""
    with tempfile.TemporaryDirectory() as folder:
        result = run(folder)
        PICTURE.parent.mkdir(parents=True, exist_ok=True)
        PICTURE.write_bytes(smaller(result.picture_path.read_bytes()))
    print(result.text())
    print(f"\n{PICTURE.relative_to(ROOT)} shows {result.pictured}: {PICTURE.stat().st_size / 1000:.0f} kB")


def refresh_notebook(path: Path) -> None:
    """Run a notebook from top to bottom and keep its outputs."""
    notebook: Any = nbformat.read(path, as_version=4)
    notebook.metadata = nbformat.from_dict(
        {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        }
    )
    kept = nbformat.from_dict(notebook.metadata)
    ExecutePreprocessor(record_timing=False).preprocess(notebook, {"metadata": {"path": str(path.parent)}})
    notebook.metadata = kept
    notebook, _ = CoalesceStreamsPreprocessor().preprocess(notebook, {})
    for output in (o for cell in notebook.cells for o in cell.get("outputs", ())):
        data = output.get("data", {})
        if "image/png" in data:
            data["image/png"] = base64.b64encode(smaller(base64.b64decode(data["image/png"]))).decode()
    nbformat.write(notebook, path)
    print(f"{path.relative_to(ROOT)}: {path.stat().st_size / 1000:.0f} kB")


def main() -> None:
    """Read the arguments and refresh what they ask for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=("picture", "notebooks"))
    only = parser.parse_args().only
    if only in (None, "picture"):
        refresh_picture()
    if only in (None, "notebooks"):
        for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
            refresh_notebook(path)


if __name__ == "__main__":
    main()
