"""Links that lead an output elsewhere: those of strangers are refused."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import Final

__all__ = ["check_links"]

# As many links in a row as Linux follows.
_MAX_LINKS: Final = 40

# A folder like `/tmp`, where everybody may lay out links.
_SHARED: Final = stat.S_ISVTX | stat.S_IWOTH


def check_links(path: str | os.PathLike[str]) -> None:
    """Refuse a link at `path` that a stranger may have laid out for us to write through.

    The rule is the kernel's (`fs.protected_symlinks`), which knows nothing of a file that is made
    beside its place and renamed. Raises `PermissionError`.
    """
    link = Path(path)
    for _ in range(_MAX_LINKS):
        if not link.is_symlink():
            return
        folder, owner = link.parent.stat(), link.lstat().st_uid
        is_shared = folder.st_mode & _SHARED == _SHARED
        if is_shared and owner not in (os.geteuid(), folder.st_uid):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), os.fspath(path))
        link = link.parent / link.readlink()
