"""What is wrong in a Dockerfile is an error in fastlayer too, and names the line.

Docker refuses each of these; its words are in the table, since they show that it is for the reason
meant. Fastlayer's words are its own.
"""

import re
from pathlib import Path

import pytest

from .cli import fastlayer
from .dockers import Docker
from .files import Table, write_archive, write_files

# Name: the Dockerfile after `FROM scratch`, the line that is wrong, and a part of what docker says.
WRONG = {
    "unknown instruction": ("FOO x", 2, "unknown instruction: FOO"),
    "unknown flag": ("COPY --foo=x f /g", 2, "unknown flag: foo"),
    "flag twice": ("COPY --chown=1 --chown=2 f /g", 2, "duplicate flag specified"),
    "flag without a value": ("COPY --chown f /g", 2, "missing a value on flag"),
    "one path": ("LABEL a=b\nCOPY f", 3, "requires at least two arguments"),
    "name alone": ("ENV a", 2, "ENV must have two arguments"),
    "no name": ("ENV =a", 2, "names can not be blank"),
    "label alone": ("LABEL a", 2, "LABEL must have two arguments"),
    "mixed forms": ("LABEL a=b c", 2, "can't find = in"),
    "port": ("EXPOSE abc", 2, "Invalid containerPort"),
    "large port": ("EXPOSE 70000", 2, "Invalid containerPort"),
    "protocol": ("EXPOSE 80/foo", 2, "Invalid proto"),
    "signal": ("STOPSIGNAL FOO", 2, "invalid signal"),
    "duration": ("HEALTHCHECK --interval=0.5ms CMD x", 2, "cannot be less than 1ms"),
    "health type": ("HEALTHCHECK FOO x", 2, "Unknown type"),
    "retries": ("HEALTHCHECK --retries=-1 CMD x", 2, "cannot be negative"),
    "shell form of SHELL": ("SHELL /bin/sh", 2, "requires the arguments to be in JSON form"),
    "numbers in JSON": ("CMD [1]", 2, "comprised of strings only"),
    "ONBUILD twice": ("ONBUILD ONBUILD RUN x", 2, "Chaining ONBUILD"),
    "FROM in ONBUILD": ("ONBUILD FROM x", 2, "isn't allowed as an ONBUILD trigger"),
    "MAINTAINER in ONBUILD": ("ONBUILD MAINTAINER x", 2, "isn't allowed as an ONBUILD trigger"),
    "heredoc without an end": ("\nCOPY <<E /x\nfoo", 3, "unterminated heredoc"),
    "empty volume": ('VOLUME [""]', 2, "can not be an empty string"),
    "variable without an end": ("ENV B=${U", 2, "unsupported modifier"),
    "unknown modifier": ("ENV B=${U:x}", 2, "unsupported modifier"),
    "variable that must be set": ("ENV B=${U:?must}", 2, "U: must"),
    "quote without an end": ('COPY "a b" /x', 2, "unexpected end of statement"),
    "stage name": ("FROM scratch AS 1a", 2, "invalid name for build stage"),
    "number of no stage": ("COPY --from=3 /x /y", 2, "invalid stage index"),
    "variable in --from": ("ARG V=a\nCOPY --from=$V /x /y", 3, "invalid reference format"),
    "later stage": (
        "COPY --from=b /x /y\nFROM scratch AS b\nCOPY f /x\nFROM scratch\nCOPY --from=0 / /",
        2,
        "needs to be defined before",
    ),
    "blank base": ("FROM $NOTHING", 2, "should not be blank"),
    "no such file": ("COPY nosuch /x", 2, "not found"),
    "file that is ignored": ("COPY ignored /x", 2, "not found"),
    "dangling link": ("COPY dangling /x", 2, "not found"),
    "link out of the context": ("COPY out /x", 2, "not found"),
    "file as a directory": ("COPY f /f\nCOPY f /f/", 3, "not a directory"),
    "below a file": ("COPY f /f\nCOPY f /f/x", 3, "not a directory"),
    "directory over a file": ("COPY f /d\nCOPY d /d", 3, "cannot copy to non-directory"),
    "file over a directory": ("COPY t /\nCOPY u /", 3, "cannot replace to directory"),
    "directory over a link": ("COPY v /\nCOPY t /", 3, "cannot copy to non-directory"),
    "several to a new file": ("COPY f d /x", 2, "cannot copy to non-directory"),
    "archive over a file": ("COPY f /f\nADD a.tar /f", 3, "not a directory"),
    "checksum of a file": (f"ADD --checksum=sha256:{'0' * 64} f /x", 2, "checksum"),
    "user without passwd": ("COPY --chown=app f /x", 2, "invalid user index"),
    "workdir of an unknown user": ("USER app\nWORKDIR /x", 3, "invalid user index"),
    "workdir on a file": ("COPY f /f\nWORKDIR /f", 3, "not a directory"),
}

CONTEXT: Table = {
    "f": "f",
    "ignored": "x",
    ".dockerignore": "ignored\n",
    "dangling": {"symlink": "nowhere"},
    "out": {"symlink": "../../etc/hostname"},
    "d/x": "x",
    "t/a/b": "a directory",
    "u/a": "a file",
    "v/a": {"symlink": "d"},
    "a.tar": "",
}


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("errors") / "context"
    write_files(folder, CONTEXT)
    write_archive(folder / "a.tar", {"a": "a"})
    return folder


@pytest.mark.parametrize("name", WRONG)
def test_both_refuse(name: str, newer_docker: Docker, context: Path, tmp_path: Path) -> None:
    text, line, reason = WRONG[name]
    refused = refusals(newer_docker, context, tmp_path, f"FROM scratch\n{text}\n")
    assert reason in refused[0]
    assert f"Dockerfile`:{line}: " in refused[1]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("LABEL a=b\nFROM scratch\n", "no build stage in current context"),
        ("# escape=x\nFROM scratch\n", "invalid escape token"),
        ("# escape=`\n# escape=\\\nFROM scratch\n", "only one escape parser directive"),
    ],
)
def test_both_refuse_what_begins_wrong(
    text: str, reason: str, newer_docker: Docker, context: Path, tmp_path: Path
) -> None:
    refused = refusals(newer_docker, context, tmp_path, text)
    assert reason in refused[0]
    assert re.search(r"Dockerfile`:[12]: ", refused[1])


@pytest.mark.parametrize(
    ("entries", "reason"),
    [
        ({"hard": {"link": "etc/passwd"}}, "a hard link to `etc/passwd`"),
        ({"../up": "above"}, r"its name has a `\.\.` part"),
    ],
    ids=["hard link to a file of the base", "name that leads out"],
)
def test_fastlayer_is_stricter_with_archives(
    entries: Table, reason: str, newer_docker: Docker, tmp_path: Path
) -> None:
    """Docker copies the file of the base up, and cleans names."""
    context, dockerfile = tmp_path / "context", tmp_path / "Dockerfile"
    write_files(context, {"passwd": "", "x.tar": ""})
    write_archive(context / "x.tar", entries)
    dockerfile.write_text("FROM scratch\nCOPY passwd /etc/passwd\nADD x.tar /\n")
    newer_docker.build(context, dockerfile, "demo/strict:1")
    with pytest.raises(AssertionError, match=reason):
        fastlayer("build", f"--file={dockerfile}", context, f"--output={tmp_path / 'x'}")


def refusals(docker: Docker, context: Path, folder: Path, text: str) -> tuple[str, str]:
    """Return what docker and fastlayer say of a Dockerfile that is wrong."""
    dockerfile, image = folder / "Dockerfile", folder / "image.tar"
    dockerfile.write_text(text)
    with pytest.raises(AssertionError) as theirs:
        docker.build(context, dockerfile, "demo/wrong:1")
    where = (f"--file={dockerfile}", context, f"--output={image}")
    with pytest.raises(AssertionError) as ours:
        fastlayer("build", "--tag=demo/wrong:1", *where)
    assert not image.exists()
    return str(theirs.value), str(ours.value).splitlines()[-1]
