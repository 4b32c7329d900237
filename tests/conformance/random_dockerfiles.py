"""Random contexts, and Dockerfiles that copy from them onto a file system with links in it."""

import random

from .files import Facts, Table

NAMES = ("a", "b", "d", "link", "f", "sub")
# None to the top of the context: Docker 26 does not find what lies behind such a link.
LINKS = ("a", "b", "../a", "/d", "/a/b", "sub", "nope", ".")
# Of the file system that `base = true` cases begin with, some of it twice as often, and new ones.
DESTINATIONS = (
    *("/dir", "/link", "/sticky", "/dir/sub", "/new", "/new/deep") * 2,
    *("/abslink", "/flink", "/dangling", "/file", "/home", "/link/a", "/a", "/d/a", "/", "rel"),
    *("/dir/old/x", "/home/app", "/dangling/q"),
)
FROM_BASE = ("/dir", "/link", "/file", "/etc/*", "/", "/dir/sub", "/flink", "link/old", "/sticky")
IGNORED = ("a", "b", "*", "**/a", "d/*", "*/a", "sub", "**", "link", "*/*", "/b", "**/sub")
OWNERS = ("1:2", "app", "app:other", "7", ":5")
MODES = ("640", "755", "4711", "2700")


def tree(chance: random.Random, *, links: bool, depth: int = 3, place: str = "") -> Table:
    """Make files, directories and perhaps links of few names, so that many are the same."""
    found: dict[str, str | Facts] = {}
    for name in chance.sample(NAMES, chance.randint(1, 4)):
        path = place + name
        owner = [chance.choice([0, 1, 1000]), chance.choice([0, 5])]
        kind = chance.random()
        if depth > 1 and kind < 0.45:
            mode = chance.choice([0o755, 0o700, 0o2775, 0o1777])
            found[f"{path}/"] = {"mode": mode, "owner": owner}
            found.update(tree(chance, links=links, depth=depth - 1, place=f"{path}/"))
        elif links and kind < 0.6:
            found[path] = {"symlink": chance.choice(LINKS)}
        else:
            mode = chance.choice([0o644, 0o600, 0o4755, 0o2711])
            text = name * chance.randint(0, 5)
            found[path] = {"text": text, "mode": mode, "owner": owner}
    return found


def ignore(chance: random.Random) -> str:
    """Make a .dockerignore that leaves the archives."""
    lines = [chance.choice(["", "!"]) + chance.choice(IGNORED) for _ in range(chance.randint(1, 4))]
    return "\n".join([*lines, "!*.tar", ""])


def dockerfile(chance: random.Random, context: Table) -> str:
    """Write some instructions about what is in the context, `base.tar` and `x.tar`."""
    steps = [_step(chance, context) for _ in range(chance.randint(1, 4))]
    return "\n".join(["FROM scratch AS base", "ADD base.tar /", "FROM base", *steps, ""])


def _step(chance: random.Random, context: Table) -> str:
    to = chance.choice(DESTINATIONS) + chance.choice(["", "", "/"])
    kind = chance.random()
    if kind < 0.6:
        sources = [_source(chance, context) for _ in range(chance.choice([1, 1, 1, 2]))]
        return f"COPY {_flags(chance)}{' '.join(sources)} {to}"
    if kind < 0.75:
        return f"ADD {_flags(chance)}x.tar {to}"
    if kind < 0.85:
        return f"WORKDIR {to}"
    if kind < 0.9:
        return f"USER {chance.choice(['app', '5', '0'])}"
    return f"COPY --from=base {_flags(chance)}{chance.choice(FROM_BASE)} {to}"


def _flags(chance: random.Random) -> str:
    owner = f"--chown={chance.choice(OWNERS)} " if chance.random() < 0.25 else ""
    mode = f"--chmod={chance.choice(MODES)} " if chance.random() < 0.15 else ""
    return owner + mode


def _source(chance: random.Random, context: Table) -> str:
    path = chance.choice([".", *(name.rstrip("/") for name in context)])
    # Of links in what a wildcard matches, Docker 26 asks for their targets too.
    linked = any("symlink" in facts for facts in context.values())
    wild = path if linked else f"{path[:-1]}*"
    return chance.choice([path, path, path, f"{path}/", f"./{path}", f"{path}/.", wild])
