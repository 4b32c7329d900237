"""Random edits of a tree, each as fastlayer and as the model takes it."""

import fnmatch
import hashlib
import os
import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from fastlayer import edit

from .edit_model import Model, RefusedError, UncertainError, parents, with_mode
from .tree import Record, Tree

NAMES = ("a", "b", "c", "ab", "a b", "tmp", "root", "-x", "é", "\udcff")
KINDS = ("file", "directory", "fifo", "character device", "block device")
CONTENT = b"put\n"
FILE_TIME = 7


def few_names(chance: random.Random) -> bytes:
    """Give one of few names, so that edits meet something."""
    return os.fsencode(chance.choice(NAMES))


def plain_attribute(chance: random.Random) -> bytes:
    """Give a name that Python's tarfile can write, which is text."""
    return chance.choice((b"a", b"b"))


@dataclass
class Case:
    """A layer to make of a tree, and what it must be."""

    options: dict[str, Any] = field(default_factory=dict)
    edits: list[edit.Edit] = field(default_factory=list)
    unmatched: list[edit.Edit] = field(default_factory=list)
    # None: an error.
    expected: Tree | None = None


def draw_case(chance: random.Random, tree: Mapping[str, Record], file: Path) -> Case:
    """Draw options and edits; `file` is one of the host that may be put.

    An edit that must be refused is the last one, or is not taken.
    """
    case = Case()
    model = Model.of(tree)
    default = _draw_options(chance, case, model)
    for _ in range(chance.randrange(6)):
        drawn, apply = _draw_edit(chance, model, file, default)
        trial = model.copy()
        try:
            met = apply(trial)
        except RefusedError as refused:
            if isinstance(refused, UncertainError) or chance.random() < 1 / 2:
                continue
            case.edits.append(drawn)
            return case
        model = trial
        case.edits.append(drawn)
        if not met:
            case.unmatched.append(drawn)
    case.expected = model.tree(default)
    return case


def _draw_options(chance: random.Random, case: Case, model: Model) -> int:
    """Draw options of layers; give the time of what has none."""
    default = 0
    if chance.random() < 1 / 5:
        patterns = _patterns(chance, model)
        case.options["exclude"] = patterns
        _exclude(model, patterns)
    if chance.random() < 1 / 5:
        case.options["prefix"] = "/" + (place := _new_path(chance))
        model.prefix(place)
    if chance.random() < 1 / 8:
        case.options["owner"] = (3, 4)
        model.change_all(lambda record: replace(record, uid=3, gid=4))
    if chance.random() < 1 / 8:
        case.options["mtime"] = default = 99
        model.change_all(lambda record: replace(record, mtime=99))
    return default


Drawn = tuple[edit.Edit, Callable[[Model], bool]]


def _draw_edit(chance: random.Random, model: Model, file: Path, default: int) -> Drawn:
    match chance.randrange(4):
        case 0:
            return _draw_left_out(chance, model)
        case 1:
            return _draw_put(chance, _path(chance, model), file, default)
        case 2:
            return _draw_changed(chance, _patterns(chance, model))
        case _:
            source, target = _path(chance, model), _path(chance, model)
            while target == source or source in parents(target):
                target = _new_path(chance)
            return edit.rename(source, target), lambda model: model.rename(source, target)


def _draw_left_out(chance: random.Random, model: Model) -> Drawn:
    match chance.randrange(3):
        case 0:
            patterns = _patterns(chance, model)
            return edit.exclude(*patterns), lambda model: _exclude(model, patterns)
        case 1:
            rules = [(chance.random() < 1 / 3, _rule(chance, model)) for _ in range(2)]
            lines = (f"path-{'include' if keep else 'exclude'}={rule}" for keep, rule in rules)
            return edit.path_rules(*lines), lambda model: model.leave_out(
                lambda path: (
                    _left_out(rules, path)
                    and not (model.kind(path) == "symlink" and _keeps_link(rules, path))
                ),
                keep_parents=True,
            )
        case _:
            path = _path(chance, model)
            return edit.remove(f"/{path}"), lambda model: model.remove(path)


def _draw_put(chance: random.Random, path: str, file: Path, default: int) -> Drawn:
    digest = hashlib.sha256(CONTENT).hexdigest()
    made = Record("file", 0o644, 0, 0, default, size=len(CONTENT), sha256=digest)
    match chance.randrange(4):
        case 0:
            drawn = edit.put(path, CONTENT)
        case 1:
            drawn = edit.put(path, file, owner=(5, 6))
            made = replace(made, mode=0o751, uid=5, gid=6, mtime=default or FILE_TIME)
        case 2:
            drawn = edit.directory(path, mode=0o711, owner="1:2")
            made = Record("directory", 0o711, 1, 2, default)
        case _:
            drawn = edit.symlink(path, "../t\udcff")
            made = Record("symlink", 0o777, 0, 0, default, target="../t\udcff")
    return drawn, lambda model: model.put(path, made)


def _draw_changed(chance: random.Random, patterns: list[str]) -> Drawn:
    def matched(path: str) -> bool:
        return _decides(patterns, path)

    match chance.randrange(4):
        case 0:
            mode = chance.choice((0o600, 0o4755, 0o1777))
            return edit.chmod(patterns, mode), lambda model: model.change(
                matched, KINDS, lambda record: with_mode(record, mode)
            )
        case 1:
            return edit.chown(patterns, (7, 3_000_000)), lambda model: model.change(
                matched, (*KINDS, "symlink"), lambda record: replace(record, uid=7, gid=3_000_000)
            )
        case 2:
            empty = hashlib.sha256().hexdigest()
            return edit.truncate(*patterns), lambda model: model.change(
                matched, ("file",), lambda record: replace(record, size=0, sha256=empty)
            )
        case _:
            time = chance.choice((-5, 0, 1, 1_000_000_000))
            return edit.clamp_mtime(time), lambda model: model.change_all(
                lambda record: replace(record, mtime=min(record.mtime, time))
            )


def _exclude(model: Model, patterns: Sequence[str]) -> bool:
    return model.leave_out(
        lambda path: path != "." and _decides(patterns, path, parents_too=True),
        keep_parents=any(pattern.startswith("!") for pattern in patterns),
    )


def _path(chance: random.Random, model: Model) -> str:
    known = [path for path in model.paths if path != "."]
    if not known or chance.random() < 1 / 5:
        return _new_path(chance)
    path = chance.choice(known)
    return f"{path}/{chance.choice(NAMES)}" if chance.random() < 1 / 5 else path


def _new_path(chance: random.Random) -> str:
    return "/".join(chance.choices(NAMES, k=chance.randrange(1, 4)))


def _patterns(chance: random.Random, model: Model) -> list[str]:
    """Patterns of the `.dockerignore` dialect; the first is not one that takes back."""
    patterns = [_pattern(chance, _path(chance, model))]
    while chance.random() < 1 / 2:
        sign = chance.choice(("", "!"))
        patterns.append(sign + _pattern(chance, _path(chance, model)))
    return patterns


def _pattern(chance: random.Random, path: str) -> str:
    parts = path.split("/")
    place = chance.randrange(len(parts))
    match chance.randrange(8):
        case 0:
            parts[place] = "*"
        case 1:
            parts[place] = parts[place][:1] + "*"
        case 2:
            parts[place] = "?" + parts[place][1:]
        case 3:
            parts[: place + 1] = ["**", parts[place]]
        case 4:
            parts[place:] = ["**"]
        case 5 if place:
            parts[place] = "**"
        case _:
            pass
    return chance.choice(("", "/")) + "/".join(parts)


def _decides(patterns: Sequence[str], path: str, *, parents_too: bool = False) -> bool:
    """Say what the last pattern that matches says."""
    path = "/" if path == "." else path
    paths = [path, *parents(path)] if parents_too else [path]
    said = [
        not pattern.startswith("!")
        for pattern in patterns
        if any(_regex(pattern.removeprefix("!")).fullmatch(one) for one in paths)
    ]
    return said[-1:] == [True]


WILD = {"**/": "(?:.*/)?", "/**": "/.*", "**": ".*", "*": "[^/]*", "?": "[^/]"}


def _regex(pattern: str) -> re.Pattern[str]:
    tokens = re.findall(r"\*\*/|/\*\*$|\*\*|\*|\?|.", pattern.removeprefix("/"), re.DOTALL)
    return re.compile("".join(WILD.get(token, re.escape(token)) for token in tokens), re.DOTALL)


def _rule(chance: random.Random, model: Model) -> str:
    path = "/" + _path(chance, model)
    place = chance.randrange(1, len(path) + 1)
    return chance.choice((path, path[:place] + "*", f"{path}/*", "*" + path[place:]))


def _left_out(rules: Sequence[tuple[bool, str]], path: str) -> bool:
    """Do as dpkg: the last rule that matches decides, byte by byte, and `*` matches slashes."""
    place = os.fsencode("/" if path == "." else f"/{path}")
    said = [keep for keep, rule in rules if fnmatch.fnmatchcase(place, os.fsencode(rule))]
    return said[-1:] == [False]


def _keeps_link(rules: Sequence[tuple[bool, str]], path: str) -> bool:
    """Do as dpkg with links: compare what stands in a rule before its first special character."""
    starts = (re.split(r"[*?[\\]", rule)[0].rstrip("/") for keep, rule in rules if keep)
    return any(f"/{path}".startswith(start) for start in starts)
