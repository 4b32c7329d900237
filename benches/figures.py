"""Puts what was measured into README and docs: `python -m benches.figures`.

Each passage of a report takes the place of the one with its name in a document, and each picture
that of the last one in docs. A bench that left no report changes nothing.
"""

import argparse
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from benches.common.tables import passages, refreshed

ROOT = Path(__file__).parents[1]
BENCHES = ("compare", "limit", "growth")
DOCUMENTS = ("README.md", "docs/performance.md")
PICTURES = "docs"


def refresh(build: Path, root: Path) -> list[str]:
    """Refresh the documents below `root` from the reports below `build`; return whose reports."""
    reports = [build / name / f"{name}.md" for name in BENCHES]
    found = [report for report in reports if report.exists()]
    news: dict[str, str] = {}
    for report in found:
        news |= passages(report.read_text(encoding="utf-8"))
    # All are read before the first is written: one that can't be changed leaves all as they were.
    changed = {
        root / name: refreshed((root / name).read_text(encoding="utf-8"), news)
        for name in DOCUMENTS
    }
    for path, text in changed.items():
        path.write_text(text, encoding="utf-8")
    for report in found:
        picture = report.with_suffix(".svg")
        shutil.copyfile(picture, root / PICTURES / picture.name)
    return [report.stem for report in found]


def main(argv: Sequence[str]) -> int:
    """Refresh this checkout's documents; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m benches.figures",
        description="Puts tables and pictures of the benches into README and docs.",
    )
    parser.add_argument(
        "--build",
        type=Path,
        default=Path("build"),
        metavar="DIR",
        help="where the folders with the reports are (default: %(default)s)",
    )
    build = parser.parse_args(argv).build
    found = refresh(build, ROOT)
    if not found:
        parser.error(f"no report of {', '.join(BENCHES)} is in `{build}`")
    print(f"refreshed {', '.join(DOCUMENTS)} with {', '.join(found)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
