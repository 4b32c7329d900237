"""`/etc/passwd` and `/etc/group` of an image: numbers that the kernel takes, or a refusal.

The first line is what USER says. An empty line ends the one file and begins the other.
"""

from typing import TYPE_CHECKING, cast

from fastlayer.dockerfile.run.accounts import account_of
from fuzz.held import text, value_of

if TYPE_CHECKING:
    from fastlayer.dockerfile.run.view import View


class _Files:
    """A view that has these two files and no others."""

    def __init__(self, passwd: bytes, group: bytes) -> None:
        self._files = {"/etc/passwd": passwd, "/etc/group": group}

    def read(self, path: str, limit: int) -> bytes:
        return self._files[path][:limit]


def check(content: bytes) -> None:
    user, _, files = content.partition(b"\n")
    passwd, _, group = files.partition(b"\n\n")
    view = cast("View", _Files(passwd, group))
    account = value_of(lambda: account_of(text(user), view))
    if account is not None:
        assert all(0 <= number < 2**32 for number in (account.uid, account.gid, *account.groups))
        assert account.home
