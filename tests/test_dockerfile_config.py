"""The config and history that each instruction makes: as docker 26.1 was seen to make them."""

import json
import re
from pathlib import Path

import pytest

import fastlayer as fl
from dockerfiles import PATH, config_of, evaluated, history_of, refusal
from fastlayer.config import Healthcheck
from fastlayer.document import encode


def refused(body: str) -> str:
    """The message for a file with these lines behind FROM."""
    return refusal(lambda: evaluated(f"FROM scratch\n{body}"))


def test_nothing_has_a_path_and_a_working_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    """So Docker makes of `FROM scratch`; the time of creation is no part of it."""
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    image = evaluated("FROM scratch\n", platform="linux/arm64")
    document = json.loads(encode(image.config))
    assert document["config"] == {"Env": [PATH], "WorkingDir": "/"}
    assert (document["architecture"], document["os"]) == ("arm64", "linux")
    assert "created" not in document
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1")
    assert evaluated("FROM scratch\n").config.created == "1970-01-01T00:00:01Z"


def test_every_step_has_dockers_comment() -> None:
    """And says that it made no layer."""
    (step,) = evaluated("FROM scratch\nUSER a\n").config.history
    assert (step.comment, step.empty_layer, step.created) == ("buildkit.dockerfile.v0", True, "")


@pytest.mark.parametrize(
    ("body", "steps"),
    [
        ('LABEL a=b c="d e" "x y"="z" e=', ["LABEL a=b c=d e x y=z e="]),
        ("LABEL old style here", ["LABEL old=style here"]),
        ('ENV D=1 E="a b" F=\\ x', ["ENV D=1 E=a b F= x"]),
        ('CMD ["a","b\\"c"]', ['CMD ["a" "b\\"c"]']),
        ("CMD x", ['CMD ["/bin/sh" "-c" "x"]']),
        ("ENTRYPOINT []", ["ENTRYPOINT []"]),
        ("EXPOSE 80 443/tcp 53/udp", ["EXPOSE map[443/tcp:{} 53/udp:{} 80/tcp:{}]"]),
        ('VOLUME a /b\nVOLUME ["/c d"]', ["VOLUME [a /b]", "VOLUME [/c d]"]),
        ("USER $u", ["USER "]),
        ("STOPSIGNAL ${u:-term}", ["STOPSIGNAL term"]),
        ('SHELL ["/bin/sh", "-x"]', ["SHELL [/bin/sh -x]"]),
        ("MAINTAINER A $b <c@d>", ["MAINTAINER A $b <c@d>"]),
        ("ONBUILD CMD x", []),
        ("ARG A=1 B C='x y'", ["ARG A=1 B C=x y"]),
        ("WORKDIR /", ["WORKDIR /"]),
        (
            "HEALTHCHECK --interval=1h0m1.5s --timeout=1m --start-period=250ms "
            "--start-interval=1.5us --retries=4 CMD z".replace("1.5us", "1500us"),
            ['HEALTHCHECK &{["CMD-SHELL" "z"] "1h0m1.5s" "1m0s" "250ms" "1.5ms" \'\\x04\'}'],
        ),
        ("HEALTHCHECK NONE", ['HEALTHCHECK &{["NONE"] "0s" "0s" "0s" "0s" \'\\x00\'}']),
    ],
)
def test_histories_are_in_dockers_words(body: str, steps: list[str]) -> None:
    """Values are expanded, lists are printed as Go prints them."""
    assert history_of(body) == steps


def test_variables_see_the_environment_before_their_line() -> None:
    """Of ENV, LABEL and ARG alike."""
    config = config_of("ENV a=1\nENV a=2 b=$a\nARG c=3\nARG c=4 d=$c\nLABEL a=9 r=$a$b$c$d")
    assert config.env == (PATH, "a=2", "b=1")
    assert config.labels == {"a": "9", "r": "2143"}


def test_a_variable_keeps_its_place() -> None:
    """PATH too, which every image has."""
    config = config_of("ENV a=1 b=2\nENV a=3\nENV PATH=/x:$PATH")
    assert config.env == (f"PATH=/x:{PATH.removeprefix('PATH=')}", "a=3", "b=2")


def test_cmd_and_entrypoint() -> None:
    """An ENTRYPOINT takes away a CMD that was inherited, and none of its own stage."""
    assert config_of("CMD a\nENTRYPOINT b").cmd == ("/bin/sh", "-c", "a")
    child = evaluated("FROM scratch AS a\nCMD a\nFROM a\nENTRYPOINT b\n").config.config
    assert (child.cmd, child.entrypoint) == ((), ("/bin/sh", "-c", "b"))
    assert child.args_escaped
    assert not config_of("ENTRYPOINT b").args_escaped


def test_commands_get_the_shell_of_their_stage() -> None:
    """And of a base; health checks never."""
    config = evaluated(
        'FROM scratch AS a\nSHELL ["bash", "-c"]\nFROM a\nCMD x "y"\nHEALTHCHECK CMD z\n'
    ).config.config
    assert (config.cmd, config.shell) == (("bash", "-c", 'x "y"'), ("bash", "-c"))
    assert config.healthcheck == Healthcheck(test=("CMD-SHELL", "z"))
    assert config_of("CMD").cmd == ("/bin/sh", "-c", "")
    windows = evaluated("FROM scratch\nCMD x\n", platform="windows/amd64").config.config
    assert windows.cmd == ("cmd", "/S", "/C", "x")
    assert windows.env == ("PATH=c:\\Windows\\System32;c:\\Windows",)


def test_ports_are_single() -> None:
    """Ranges, protocols in any case, and what stands before a colon, which is not kept."""
    body = "ENV p='1 2'\nEXPOSE 5-7/sctp 8080:80 9/UDP $p ${q:-0} 1.2.3.4:5:10"
    ports = ["5/sctp", "6/sctp", "7/sctp", "80/tcp", "9/udp", "1/tcp", "2/tcp", "0/tcp", "10/tcp"]
    assert set(config_of(body).exposed_ports) == set(ports)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("EXPOSE x", "`x` is not a port such as `80`, `53/udp` or `8000-8010/tcp`"),
        ("EXPOSE 70000", "`70000` is not a port"),
        ("EXPOSE 5-3", "`5-3` is not a port"),
        ("EXPOSE /tcp", "`/tcp` is not a port"),
        ("EXPOSE 80/foo", "the protocol of `80/foo` is unknown"),
        ("EXPOSE 1-2:3-5", "the two ranges of `1-2:3-5` differ in length"),
        ("STOPSIGNAL FOO", "`STOPSIGNAL`: `FOO` is not a signal such as `SIGTERM`"),
        ("VOLUME $u", "the path of a VOLUME is empty"),
        ("ENV $u=1", "a name is empty"),
        ("ARG u=a=b\nENV $u 1", "the name `a=b` has a `=`"),
        ("LABEL a=${u:?gone}", "`${u:?gone}`: u: gone"),
        ("LABEL a=b\nUSER 'x", "`'x`: a single quote has no end"),
        (
            "ENV a=" + "x" * 60000 + "\nENV a=$a$a$a",
            "`$a$a$a` comes to more than 131072 characters",
        ),
        (
            "ARG a=" + "x" * 60000 + "\nARG a=$a$a$a",
            "`$a$a$a` comes to more than 131072 characters",
        ),
        ('CMD ["\\u0000"]', "an array in JSON has a NUL"),
        ('HEALTHCHECK CMD ["\\u0000"]', "an array in JSON has a NUL"),
        ("ADD https://a/b /", "`https://a/b` is on the network, where it may change or be gone"),
        ("ADD git@a.b:c/d.git /", "`git@a.b:c/d.git` is on the network"),
        ("ENV u=http://a\nADD f $u/b /", "`http://a/b` is on the network"),
        ("COPY http://a/b /", "`http://a/b` is on the network: COPY takes files"),
        ("ADD --checksum=x f /", "`--checksum` is for files on the network"),
        ("RUN x", "RUN needs a running container: begin with a base that has what it makes"),
        ("COPY f /", "there is no context to copy from: give a directory"),
    ],
)
def test_what_cannot_be_is_refused(body: str, message: str) -> None:
    """With the line, which is the last here."""
    place = f"`Dockerfile`:{2 + body.count(chr(10))}: "
    assert refused(body).startswith(place + message)


def test_working_directories_are_relative_to_the_one_before() -> None:
    """An absolute one stays as it is written; there is a layer for each but the root."""
    image = evaluated("FROM scratch\nWORKDIR a\nWORKDIR ../b/\nWORKDIR $u\nWORKDIR /c/\n")
    assert image.config.config.working_dir == "/c/"
    steps = [(step.created_by, step.empty_layer) for step in image.config.history]
    assert steps == [(f"WORKDIR {path}", False) for path in ("/a", "/b", "/b", "/c/")]
    assert len(image.layers) == 4
    assert config_of("WORKDIR ..").working_dir == "/"


def test_the_author_is_the_maintainer() -> None:
    """And stays one in stages on top."""
    assert evaluated("FROM scratch AS a\nMAINTAINER x y\nFROM a\n").config.author == "x y"


def test_copies_are_told_with_some_of_their_flags(tmp_path: Path) -> None:
    """Expanded; heredocs behind the files, whatever their order was."""
    text = (
        "FROM scratch AS a\nENV d=/x/ o=1:2\nADD --chmod=0644 --chown=$o <<E f ${d}y\nE\n"
        "FROM a\nCOPY --from=a --link /x/y /z\n"
    )
    (tmp_path / "f").write_text("f")
    steps = [step.created_by for step in evaluated(text, context=tmp_path).config.history]
    assert steps[1:] == [
        "ADD --chown=1:2 --chmod=0644 f <<E /x/y # buildkit",
        "COPY /x/y /z # buildkit",
    ]


@pytest.mark.parametrize(
    "line", ["USER $a$a$a", "EXPOSE 1 $a$a$a", "VOLUME /$a$a$a", 'LABEL "$a$a$a"=x', "ARG $a$a$a"]
)
def test_no_word_grows_too_long(line: str) -> None:
    """Of any instruction: each step of the history holds it again."""
    assert refused(f"ENV a={'x' * 60000}\n{line}").startswith("`Dockerfile`:3: `")


def test_the_words_of_one_instruction_grow_to_an_end() -> None:
    """Each may be short enough."""
    pairs = " ".join(f"b{n}=x$a" for n in range(300))
    message = refused(f"ENV a={'x' * 60000}\nENV {pairs}")
    assert message == "`Dockerfile`:3: its words come to more than 16777216 characters"


def test_a_history_grows_to_an_end() -> None:
    """One of more than one stage too, and what stands before the first FROM."""
    lines = "LABEL a=$a\n" * 100
    text = f"FROM scratch AS a\nENV a={'x' * 60000}\nENV a=$a$a\n{lines}FROM a\n{lines}"
    assert refusal(lambda: evaluated(text)).endswith(
        "the history has more than 16777216 characters"
    )
    lines = "".join(f"ARG a{n}=$a\n" for n in range(300))
    text = f"ARG a={'x' * 60000}\n{lines}FROM scratch\n"
    assert refusal(lambda: evaluated(text)).endswith(
        "all ARGs come to more than 16777216 characters"
    )


@pytest.mark.parametrize("line", ["WORKDIR $a", "COPY f $a", "COPY f $a/", "ADD f $a", "COPY $a /"])
def test_no_path_is_deeper_than_a_system_takes(line: str) -> None:
    """Each of its parts would be looked for."""
    message = refused(f"ENV a={'/x' * 2049}\n{line}")
    assert re.fullmatch(r"`Dockerfile`:3: the path `[/x]+…` has more than 4096 bytes", message)


@pytest.mark.parametrize("line", ["WORKDIR /a/.wh.b", "COPY <<.wh.a /x/\n.wh.a", "ADD f /.wh.a/b"])
def test_no_name_is_that_of_a_whiteout(line: str, tmp_path: Path) -> None:
    """It is told where it is written, before a layer is."""
    (tmp_path / "f").touch()
    message = refusal(lambda: evaluated(f"FROM scratch\n{line}\n", context=tmp_path))
    assert re.fullmatch(r"`Dockerfile`:2: `/\S*\.wh\.\S*` cannot be: .*", message)


def test_failures_of_the_system_are_told_with_the_line(tmp_path: Path) -> None:
    """Where they are about a file."""
    name = "f" * 300
    message = refusal(lambda: evaluated(f"FROM scratch\nCOPY {name} /\n", context=tmp_path))
    assert message.startswith(f"`Dockerfile`:2: `{tmp_path}/fff")
    assert message.endswith("`: File name too long")


def test_settings_can_be_changed_afterwards() -> None:
    """The image is a value as any other."""
    image = evaluated("FROM scratch\nLABEL a=b\nCMD x\n").with_added(labels={"c": "d"})
    assert image.config.config.labels == {"a": "b", "c": "d"}
    assert isinstance(image, fl.Image)


def test_what_is_odd_is_warned_of() -> None:
    """Empty lines in an instruction, and build arguments that nothing uses."""
    gap = re.escape("`Dockerfile`:2: the instruction goes on over an empty line")
    with pytest.warns(fl.DockerfileWarning, match=gap):
        evaluated("FROM scratch\nLABEL \\\n\n\n a=b\n")
    given = {"A": "1", "typo": "2", "HTTP_PROXY": "3", "TARGETARCH": "4", "BUILDKIT_SYNTAX": "5"}
    unused = re.escape("nothing in `Dockerfile` uses the build argument `typo`")
    with pytest.warns(fl.DockerfileWarning, match=unused) as told:
        evaluated("FROM scratch AS a\nARG A\nFROM scratch\n", build_args=given)
    assert len(told) == 1
    epoch = "the build argument `SOURCE_DATE_EPOCH` changes no times: set the environment variable"
    text = "FROM scratch\nARG SOURCE_DATE_EPOCH\nLABEL e=$SOURCE_DATE_EPOCH\n"
    with pytest.warns(fl.DockerfileWarning, match=epoch) as told:
        image = evaluated(text, build_args={"SOURCE_DATE_EPOCH": "7"})
    assert len(told) == 1
    assert image.config.config.labels == {"e": "7"}


def test_other_languages_are_refused() -> None:
    """A frontend is a program that Docker would run."""
    assert config_of("USER a").user == "a"
    evaluated("# syntax=docker.io/docker/dockerfile:1.7-labs\nFROM scratch\n")
    assert refusal(lambda: evaluated("# syntax=x/y:1\nFROM scratch\n")) == (
        "`Dockerfile`: `# syntax=x/y:1` is another language than `docker/dockerfile`, the one that "
        "is read here"
    )
