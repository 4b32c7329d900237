"""Which faults a system call can meet, from its manual page and from what network files do."""

from collections import defaultdict
from collections.abc import Sequence

from .injection import Call, Fault

_READ = ("EIO", "EINTR", "short")
_WRITE = ("ENOSPC", "EDQUOT", "EIO", "EFBIG", "EINTR", "short")
_MAKE = ("ENOSPC", "EDQUOT", "EROFS", "EIO", "EMFILE", "EINTR")
_CHANGE = ("ENOSPC", "EDQUOT", "EROFS", "EIO")
_LOOK = ("EIO", "EACCES")

ERRORS: dict[str, Sequence[str]] = {
    **dict.fromkeys(("read", "pread64", "readv", "preadv"), _READ),
    "preadv2": ("EAGAIN", "EOPNOTSUPP", "EIO", "EINTR", "short"),
    **dict.fromkeys(("write", "pwrite64", "writev", "pwritev", "pwritev2"), _WRITE),
    "sendfile": _WRITE,
    "copy_file_range": (*_WRITE, "EXDEV"),
    "fsync": ("EIO", "ENOSPC", "EDQUOT", "EINTR"),
    "fdatasync": ("EIO", "ENOSPC", "EDQUOT", "EINTR"),
    "sync_file_range": ("EIO", "ENOSPC"),
    "fadvise64": ("EINVAL",),
    "ftruncate": ("EIO", "EFBIG", "ENOSPC", "EINTR"),
    "fallocate": ("EIO", "ENOSPC", "EOPNOTSUPP", "EINTR"),
    "lseek": ("EIO",),
    "flock": ("ENOLCK", "EIO", "EINTR"),
    "getdents64": ("EIO",),
    "clone3": ("EAGAIN", "ENOMEM"),
    "clone": ("EAGAIN", "ENOMEM"),
    "close": ("EIO",),
    **dict.fromkeys(("fstat", "fstatfs", "statfs", "readlinkat", "readlink"), ("EIO",)),
    **dict.fromkeys(("newfstatat", "stat", "lstat", "statx", "access", "faccessat"), _LOOK),
    **dict.fromkeys(("flistxattr", "fgetxattr", "llistxattr", "lgetxattr"), ("EIO",)),
    **dict.fromkeys(("fsetxattr", "fremovexattr", "setxattr", "lsetxattr"), _CHANGE),
    **dict.fromkeys(("mkdir", "mkdirat", "mknodat", "symlinkat", "linkat", "symlink"), _CHANGE),
    **dict.fromkeys(("rename", "renameat", "renameat2", "link", "mknod"), _CHANGE),
    **dict.fromkeys(("fchmod", "fchmodat", "chmod", "utimensat"), ("EIO", "EROFS", "EPERM")),
    **dict.fromkeys(("fchown", "fchownat", "chown", "lchown"), ("EIO", "EROFS", "EPERM")),
}
"""Calls that are not here, such as the removal of what failed, have no errors to speak of."""

_OPEN = ("EIO", "EACCES", "EMFILE", "EINTR")
# The C library and Python do not try this one again.
_LIST = ("EIO", "EACCES", "EMFILE")

_SOCKET: dict[str, Sequence[str]] = {
    # Not EPIPE: after that an answer is read, which comes if the other side has closed its end.
    **dict.fromkeys(("sendto", "write"), ("ECONNRESET", "EINTR", "short")),
    **dict.fromkeys(("recvfrom", "read"), ("ECONNRESET", "ETIMEDOUT", "EINTR", "short")),
    "connect": ("ECONNREFUSED", "ETIMEDOUT"),
}
_DUPLICATE = "1030"  # fcntl(F_DUPFD_CLOEXEC)

# What is not written, or not known to be on disk, must be told.
MUST_FAIL = {
    (name, action)
    for name in ("write", "pwrite64", "writev", "fsync", "fdatasync", "rename", "mkdir", "mknodat")
    for action in ("ENOSPC", "EDQUOT", "EIO", "EFBIG", "EROFS")
}
# What is only late must not be told.
MUST_PASS = ("EINTR", "short")


def errors_of(call: Call) -> Sequence[str]:
    """What the call can do instead of what it did."""
    if call.files == "socket":
        return _SOCKET.get(call.name, ())
    if call.name in ("open", "openat", "openat2", "creat"):
        return {"create": _MAKE, "list": _LIST}.get(call.kind, _OPEN)
    if call.name == "fcntl":
        return ("EMFILE",) if call.kind == _DUPLICATE else ()
    return ERRORS.get(call.name, ())


def faults_of(calls: Sequence[Call]) -> list[Fault]:
    """Every fault that each of the calls can meet: the first, middle and last of its kind."""
    found: dict[tuple[str, str], list[Call]] = defaultdict(list)
    for call in calls:
        found[call.name, call.files].append(call)
    return [
        Fault.once(call, number, action)
        for group in found.values()
        for number, call in _ends_and_middle(group)
        for action in errors_of(call)
    ]


def _ends_and_middle(group: Sequence[Call]) -> list[tuple[int, Call]]:
    numbers = sorted({1, (len(group) + 1) // 2, len(group)})
    return [(number, group[number - 1]) for number in numbers]
