"""All figures of one `make bench` as one table: printed, and as Markdown beside the JSON files.

PYTHONPATH=benchmarks python -m lib.table FOLDER
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from lib.pairs import HEADING, Row, seconds


def markdown(rows: list[Row]) -> str:
    """Return the rows as a Markdown table."""
    lines = [
        "| what | peer | relaylib | peer | times as fast | quartiles | pairs |",
        "|---|---|---:|---:|---:|---|---:|",
    ]
    for row in rows:
        spread = f"{row.ratio_q25:.2f}-{row.ratio_q75:.2f}"
        figures = f"{seconds(row.ours_s)} | {seconds(row.peer_s)} | **{row.ratio:.2f}** | {spread} | {row.n_pairs}"
        lines.append(f"| {row.what} | {row.peer} | {figures} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Gather the rows of a folder of reports."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    reports = [json.loads(path.read_text("utf-8")) for path in sorted(folder.glob("*.json"))]
    rows = [Row(**row) for report in reports for row in report.get("rows", [])]
    if not rows:
        raise SystemExit(f"{folder}: there are no comparisons; run `make bench`.")
    (folder / "table.md").write_text(markdown(rows), encoding="utf-8")
    print(HEADING, *rows, sep="\n")
    print(f"also in {folder / 'table.md'}; one JSON file each with the facts of the machine")


if __name__ == "__main__":
    main()
