"""Markdown: tables, and passages with a name that are kept up to date in other documents.

A passage stands between two comments, `<!-- name -->` and `<!-- /name -->`, each on a line of its
own. A report has them, and where a document has one of the same name, the report's takes its place.
"""

import re
from collections.abc import Mapping, Sequence

MB = 1_000_000

MARK = re.compile(r"^<!-- (/?)([a-z-]+) -->$", re.MULTILINE)


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], *, words: int = 1) -> str:
    """Return a table; the first columns, so many, hold words, and the others numbers."""
    rule = ["---"] * words + ["---:"] * (len(heads) - words)
    return "\n".join(table_row(cells) for cells in (heads, rule, *rows))


def table_row(cells: Sequence[str]) -> str:
    """Return one row of a table; a bar in a cell (a pipeline's title) is escaped."""
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def passage(name: str, text: str) -> str:
    """Return the text between the comments with its name."""
    return f"<!-- {name} -->\n\n{text.strip()}\n\n<!-- /{name} -->"


def passages(document: str) -> dict[str, str]:
    """Return the passages of a document with their comments, by name.

    Raises `ValueError` if one doesn't end, or ends or begins where it can't.
    """
    found = {}
    name, start = "", 0
    for mark in MARK.finditer(document):
        closes, told = mark.groups()
        if bool(closes) != bool(name) or (closes and told != name) or told in found:
            raise ValueError(f"`{mark[0]}` doesn't belong there")
        if closes:
            found[told], name = document[start : mark.end()], ""
        else:
            name, start = told, mark.start()
    if name:
        raise ValueError(f"`<!-- {name} -->` has no end")
    return found


def refreshed(document: str, news: Mapping[str, str]) -> str:
    """Return the document with each passage replaced that there are news of."""
    for name, old in passages(document).items():
        document = document.replace(old, news.get(name, old))
    return document
