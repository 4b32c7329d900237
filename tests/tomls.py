"""TOML as people write it: documents in every style, from values."""

from __future__ import annotations

import itertools
import json
from typing import Any

from hypothesis import strategies as st

# What misleads those who look for keys and brackets: in text it means nothing.
MISLEADING = ["[", "]", "{", "}", "=", "#", ",", "'", '"', '"""', "'''", "\\", "\n", "x = 1", "é"]

_BARE = st.from_regex(r"[A-Za-z0-9_-]{1,6}", fullmatch=True)


def key(name: str) -> str:
    """A key, quoted where it must be."""
    bare = name and name.isascii() and name.replace("_", "a").replace("-", "a").isalnum()
    return name if bare else json.dumps(name)


def value(item: Any, *, spread: bool = False) -> str:
    """A value; `spread` puts items of arrays on lines of their own, with comments."""
    match item:
        case bool():
            return str(item).lower()
        case str():
            return json.dumps(item).replace("\x7f", "\\u007f")
        case list():
            end = ", # ]\n" if spread else ", "
            items = "".join(value(one, spread=spread) + end for one in item)
            return f"[{items}]"
        case dict():
            pairs = ", ".join(f"{key(name)} = {value(one)}" for name, one in item.items())
            return f"{{{pairs}}}"
        case _:
            return str(item)


def document(values: dict[str, Any], *, spread: bool = False, path: str = "") -> str:
    """A document with a header for each table, and one for each item of an array of tables."""
    plain, nested = [], []
    for name, item in values.items():
        own = f"{path}.{key(name)}" if path else key(name)
        if isinstance(item, dict):
            nested.append(f"\n[{own}] # [x]\n" + document(item, spread=spread, path=own))
        elif isinstance(item, list) and item and all(isinstance(one, dict) for one in item):
            nested += [f"[[{own}]]\n" + document(one, spread=spread, path=own) for one in item]
        else:
            plain.append(f"{key(name)} = {value(item, spread=spread)}\n")
    return "".join(plain) + "".join(nested)


texts = st.lists(st.sampled_from([*MISLEADING, "a", " "]), max_size=6).map("".join)
scalars = texts | st.integers(-(2**64), 2**64) | st.booleans() | st.floats(width=16)


def values(names: st.SearchStrategy[str] = _BARE) -> st.SearchStrategy[Any]:
    """Values of any depth whose keys are `names`."""
    return st.recursive(
        scalars,
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(names, inner, max_size=3)
            | st.lists(st.dictionaries(names, inner, max_size=3), max_size=2)
        ),
        max_leaves=8,
    )


def ways(document: Any, path: tuple[str | int, ...] = ()) -> set[tuple[str | int, ...]]:
    """The way to every value of a document, and to the document itself."""
    items: Any = ()
    if isinstance(document, dict):
        items = document.items()
    elif isinstance(document, list):
        items = enumerate(document)
    return {path}.union(*itertools.starmap(lambda one, item: ways(item, (*path, one)), items))
