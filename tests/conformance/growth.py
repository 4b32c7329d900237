"""Small trees made at random, and what happens to a tree in its life."""

import os
import random
import shutil
import stat
from pathlib import Path

from .peers import call, find


def grow(root: Path, chance: random.Random, deep: int = 3) -> None:
    """Make a small tree of names, types and facts that often meet those of another one."""
    root.mkdir()
    files: list[Path] = []
    _fill(root, chance, deep, files)
    for path in (root, *root.rglob("*")):
        os.utime(path, (0, chance.choice([0, 0, 0, 9])), follow_symlinks=False)


def _fill(folder: Path, chance: random.Random, deep: int, files: list[Path]) -> None:
    for name in chance.sample(["a", "b", "c", "-", ".w", "a b"], chance.randrange(6)):
        path = folder / name
        kind = chance.randrange(10)
        if kind < 4 and deep:
            path.mkdir(chance.choice([0o755, 0o700]))
            _fill(path, chance, deep - 1, files)
        elif kind == 4:
            path.symlink_to(chance.choice(["a", "b/c", "/"]))
        elif kind == 5:
            os.mkfifo(path)
        elif kind == 6 and os.geteuid() == 0:
            os.mknod(path, stat.S_IFCHR, os.makedev(1, chance.choice([3, 5])))
        elif kind == 7 and files:
            path.hardlink_to(chance.choice(files))
        else:
            path.write_text(chance.choice(["", "x", "y", "long"]))
            path.chmod(chance.choice([0o644, 0o4755]))
            os.chown(path, chance.choice([0, 0, 5]), 0)
            files.append(path)


def alter(root: Path, chance: random.Random) -> None:
    """Remove, add and change entries of a tree in all ways that programs do."""
    for number in range(chance.randrange(1, 12)):
        paths = sorted(root.rglob("*"))
        if not paths:
            return
        path = chance.choice(paths)
        new = chance.choice([root, path.parent]) / f"new-{number}"
        match chance.randrange(9):
            case 0:
                _remove(path)
            case 1:
                _remove(path)
                grow(path, chance, deep=1)
            case 2:
                _remove(path)
                path.write_text("now a file")
            case 3:
                # A directory too: where it cannot be renamed, it is copied and removed.
                call([find("mv"), path, new])
            case 4:
                grow(new, chance, deep=2)
            case 5 if not path.is_dir():
                os.link(path, new, follow_symlinks=False)
            case 6 if path.is_file() and not path.is_symlink():
                path.write_text(path.read_text() + "more")
            case 7 if not path.is_symlink():
                path.chmod(chance.choice([0o700, 0o1755]))
            case _:
                os.chown(path, chance.choice([0, 7]), 7, follow_symlinks=False)
                os.utime(path, (0, 50 + number), follow_symlinks=False)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
