"""Dockerfiles read: lines, directives, heredocs, flags and the form of each instruction."""

from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastlayer as fl
from dockerfiles import refusal, step_of
from fastlayer.config import Healthcheck
from fastlayer.dockerfile.instructions import (
    Add,
    Arg,
    Argument,
    Cmd,
    Command,
    Copy,
    Entrypoint,
    Env,
    Expose,
    Health,
    Heredoc,
    Label,
    Onbuild,
    Pair,
    Run,
    Shell,
    User,
    Volume,
    Workdir,
)
from fastlayer.dockerfile.mount import read_mount
from fastlayer.dockerfile.reading import Dockerfile, read_dockerfile
from fastlayer.dockerfile.text import quoted_rune, quoted_text


def read(content: str | bytes) -> Dockerfile:
    """Read a file that is called `Dockerfile`."""
    data = content if isinstance(content, bytes) else content.encode()
    return read_dockerfile(data, file="Dockerfile")


def texts(content: str | bytes) -> list[tuple[int, str]]:
    """The instructions behind the only FROM, with their lines."""
    (stage,) = read(content).stages
    return [(step.line, step.text) for step in stage.steps]


def refused(content: str | bytes) -> str:
    """The message for a whole file."""
    return refusal(lambda: read(content))


def refused_step(text: str) -> str:
    """The message for one instruction, without the place."""
    message = refusal(lambda: step_of(text))
    assert message.startswith("`Dockerfile`:2: ")
    return message.removeprefix("`Dockerfile`:2: ")


def label(text: str) -> tuple[Pair, ...]:
    """The pairs of a LABEL."""
    step = step_of(text)
    assert isinstance(step, Label)
    return step.pairs


def copy(text: str) -> Copy | Add:
    """A COPY or ADD."""
    step = step_of(text)
    assert isinstance(step, Copy | Add)
    return step


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("FROM scratch\nUSER a\n", [(2, "USER a")]),
        ("FROM scratch\nUSER a", [(2, "USER a")]),
        ("\ufeffFROM scratch\r\nLABEL a=b \\\r\n c=d\r\n", [(2, "LABEL a=b  c=d")]),
        ("# one\n\n  from scratch\n\tuser a\n", [(4, "user a")]),
        ("FROM scratch\n#USER b\n  # USER c\nUSER a\n", [(4, "USER a")]),
        (
            "FROM scratch\nRUN a \\\n# in\n\n  # in\n  b\nUSER c\n",
            [(2, "RUN a   b"), (7, "USER c")],
        ),
        ("FROM scratch\nRUN a\\  \n b\\\t\nc\n", [(2, "RUN a bc")]),
        ("FROM scratch\nRUN a\\\\\nUSER b\n", [(2, "RUN a\\\\"), (3, "USER b")]),
        ("FROM scratch\nRUN a \\\n\\\n b\n", [(2, "RUN a  b")]),
        ("FROM scratch\nRUN a \\\n", [(2, "RUN a")]),
        ("FROM scratch\n\\\nUSER a\n", [(2, "USER a")]),
        (b"# caf\xe9\nFROM scratch\nUSER a # no comment\n", [(3, "USER a # no comment")]),
    ],
)
def test_lines_become_instructions(content: str | bytes, expected: list[tuple[int, str]]) -> None:
    """Each has the line that it begins in; comments and empty lines may be inside."""
    assert texts(content) == expected


@pytest.mark.parametrize(
    ("head", "escape", "syntax"),
    [
        ("", "\\", ""),
        ("# escape=`\n", "`", ""),
        ("#  Escape  =  `  \n# SYNTAX=docker/dockerfile:1 x\n", "`", "docker/dockerfile:1 x"),
        ("# check=skip=all\n# escape=`\n", "`", ""),
        ("# a comment\n# escape=`\n", "\\", ""),
        ("# other=x\n# escape=`\n", "\\", ""),
        ("\n# escape=`\n", "\\", ""),
        ("\ufeff# escape=`\n", "`", ""),
    ],
)
def test_directives_come_first(head: str, escape: str, syntax: str) -> None:
    """Before any comment, empty line or instruction; after that they are comments."""
    dockerfile = read(f"{head}FROM scratch\n")
    assert (dockerfile.escape, dockerfile.syntax) == (escape, syntax)


def test_the_escape_character_continues_lines_and_joins_words() -> None:
    """A backslash is nothing special where a backtick is the escape character."""
    (stage,) = read("# escape=`\nFROM scratch\nLABEL a=` b `\n c=\\d\n").stages
    (step,) = stage.steps
    assert isinstance(step, Label)
    assert step.pairs == (Pair("a", "` b"), Pair("c", "\\d"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "`Dockerfile`: it has no instructions"),
        ("# x\n\n", "`Dockerfile`: it has no instructions"),
        ("ARG a=1\n", "`Dockerfile`: it has no FROM"),
        ("USER a\n", "`Dockerfile`:1: nothing but ARG can stand before the first FROM"),
        ("# escape=x\nFROM a\n", "`Dockerfile`:1: the escape character is `x`: expected \\ or `"),
        ("# escape=`\n# escape=`\n", "`Dockerfile`:2: the directive `escape` is given twice"),
        ("FROM a\n\nUSR b\n", "`Dockerfile`:3: unknown instruction `USR`: did you mean USER?"),
        ("FROM a\nQ\n", "`Dockerfile`:2: unknown instruction `Q`"),
        ("FROM a\nUSER \\\n\n\n", "`Dockerfile`:2: USER needs an argument"),
        (b"FROM a\nUSER \xff\n", "`Dockerfile`:2: it has a NUL or is not UTF-8"),
        ("FROM a\nUSER a\0\n", "`Dockerfile`:2: it has a NUL or is not UTF-8"),
        ("FROM a\nRUN <<E\nx\n", "`Dockerfile`:2: the heredoc `E` has no end"),
        (b"FROM a\n#" + b"x" * 65535, "`Dockerfile`:2: the line has more than 65535 bytes"),
        (b"#\n" * (2 << 20) + b"#", "`Dockerfile`: it has more than 4194304 bytes"),
    ],
)
def test_every_error_names_file_and_line(content: str | bytes, message: str) -> None:
    """The line in which the instruction begins."""
    assert refused(content) == message


def test_from_has_a_base_a_name_and_a_platform() -> None:
    """The name is in lower case."""
    (stage,) = read("FROM --platform=linux/arm64 debian:12 as Build\n").stages
    origin = stage.origin
    assert (origin.base, origin.name, origin.platform) == ("debian:12", "build", "linux/arm64")


@pytest.mark.parametrize("text", ["FROM", "FROM a b", "FROM a as", "FROM a of b", "FROM a AS b c"])
def test_from_takes_one_or_three_words(text: str) -> None:
    """Nothing else is meant by anybody."""
    assert "FROM takes an image" in refused(f"{text}\n")


def test_a_directive_of_spaces_takes_no_time() -> None:
    """They belong to the value, wherever in it."""
    value = f"x/y:1{' ' * 65_000}x"
    start = process_time()
    assert read(f"# syntax = {value} \nFROM a\n").syntax == value
    assert read(f"# a={value}\nFROM a\n").syntax == ""
    assert process_time() - start < 1


@pytest.mark.parametrize("name", ["1a", "a/b", "é", "-a", "a:b"])
def test_names_of_stages_are_plain(name: str) -> None:
    """A letter, then letters, digits and three signs."""
    assert f"the name of the stage is `{name}`" in refused(f"FROM a AS {name}\n")


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("LABEL a=b", [("a", "b")]),
        ("LABEL a=b  c=  d==e", [("a", "b"), ("c", ""), ("d", "=e")]),
        ("LABEL a='b c' 'd e'=f \"g\"h=i j\\ k=l", None),
        ('LABEL a="b\\" c" d=\'\\\' e=1', [("a", '"b\\" c"'), ("d", "'\\'"), ("e", "1")]),
        ("LABEL a=b\\", [("a", "b")]),
    ],
)
def test_pairs_are_words_with_a_sign(text: str, pairs: list[tuple[str, str]] | None) -> None:
    """Quotes and escapes keep a word together, and stay for the evaluation."""
    expected = pairs or [("a", "'b c'"), ("'d e'", "f"), ('"g"h', "i"), ("j\\ k", "l")]
    assert label(text) == tuple(Pair(key, value) for key, value in expected)


def test_the_old_form_has_one_pair() -> None:
    """A space before any `=` makes all that follows the value."""
    assert label("LABEL a  b  c=d ") == (Pair("a", "b  c=d", spaced=True),)
    step = step_of("ENV a b")
    assert isinstance(step, Env)
    assert step.pairs == (Pair("a", "b", spaced=True),)


def test_arg_has_names_with_and_without_values() -> None:
    """Several in a line, quoted as in ENV."""
    step = step_of("ARG a b=1 c='x y' d=")
    assert isinstance(step, Arg)
    assert step.arguments == (
        *(Argument("a"), Argument("b", "1"), Argument("c", "'x y'"), Argument("d", "")),
    )


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ('CMD ["a", "b c"]', Command(("a", "b c"), for_shell=False)),
        ('CMD  [ "a" ,"b" ] ', Command(("a", "b"), for_shell=False)),
        ("CMD []", Command((), for_shell=False)),
        ('CMD ["\\u00e9\\n\\ud83d\\ude00\\ud800"]', Command(("é\n😀\ufffd",), for_shell=False)),
        ("CMD echo  a", Command(("echo  a",), for_shell=True)),
        ("CMD ['a']", Command(("['a']",), for_shell=True)),
        ('CMD ["a",', Command(('["a",',), for_shell=True)),
        ('CMD ["a"] && b', Command(('["a"] && b',), for_shell=True)),
        ("CMD [NaN]", Command(("[NaN]",), for_shell=True)),
        ("CMD " + "[" * 9999, Command(("[" * 9999,), for_shell=True)),
        ("CMD", Command(("",), for_shell=True)),
    ],
)
def test_commands_are_arrays_or_lines(text: str, command: Command) -> None:
    """What does not read as JSON is a line for a shell, as docker has it."""
    step = step_of(text)
    assert isinstance(step, Cmd)
    assert step.command == command
    entrypoint = step_of(text.replace("CMD", "ENTRYPOINT", 1))
    assert isinstance(entrypoint, Entrypoint)
    assert entrypoint.command == command


def test_arrays_elsewhere_are_lists() -> None:
    """VOLUME, COPY and ADD take words, SHELL takes nothing else."""
    volume, shell = step_of('VOLUME [" a ", "b c"]'), step_of('SHELL ["a", "b"]')
    assert isinstance(volume, Volume)
    assert isinstance(shell, Shell)
    assert (volume.paths, shell.words) == (("a", "b c"), ("a", "b"))
    assert copy('COPY ["a b", "c", "d e/"]').sources == ("a b", "c")
    words = step_of("VOLUME a  b")
    assert isinstance(words, Volume)
    assert words.paths == ("a", "b")


@pytest.mark.parametrize(
    "text", ['CMD ["a", 1]', "CMD [null]", 'COPY [["a"], "b"]', "RUN [{}]", "HEALTHCHECK CMD [1]"]
)
def test_arrays_hold_text(text: str) -> None:
    """An array of something else is an error, not a line."""
    assert refused_step(text) == "an array in JSON must hold nothing but text"


def test_copy_has_flags() -> None:
    """Quotes around them and in them are taken away."""
    step = copy(
        "COPY --from=b --chown=\"a b:c\" --chmod='0644' --link --parents=false --exclude=x "
        "--exclude=y\\ z -- s1 s2 d"
    )
    assert isinstance(step, Copy)
    assert (step.from_, step.chown, step.chmod, step.link, step.parents) == (
        *("b", "a b:c", "0644", True, False),
    )
    assert (step.exclude, step.sources, step.destination) == (("x", "y z"), ("s1", "s2"), "d")


def test_add_has_flags() -> None:
    """Those of COPY but two, and three of its own."""
    step = copy("ADD --checksum=sha256:0 --keep-git-dir --unpack=FALSE --chown= a b")
    assert isinstance(step, Add)
    assert (step.checksum, step.unpack) == ("sha256:0", False)
    assert step.chown is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("COPY --frm=x a b", "unknown flag `--frm`: did you mean `--from`?"),
        ("COPY --chown a b", "the flag `--chown` needs a value: `--chown=…`"),
        ("COPY --chown=a --chown=b a b", "the flag `--chown` is given twice"),
        ("COPY --link --link a b", "the flag `--link` is given twice"),
        ("COPY --link= a b", "the flag `--link` is ``: expected `true` or `false`"),
        ("COPY --link=yes a b", "the flag `--link` is `yes`: expected `true` or `false`"),
        ("ADD --from=x a b", None),
        ("LABEL --x=y a=b", "unknown flag `--x`: it takes none"),
        ("CMD --x", "unknown flag `--x`: it takes none"),
        ("ONBUILD --x CMD y", "unknown flag `--x`: it takes none"),
        ("RUN --network=lan x", None),
        ("RUN --security=none x", None),
    ],
)
def test_wrong_flags_are_errors(text: str, message: str | None) -> None:
    """Unknown, repeated, without a value, or with one that is none."""
    told = refused_step(text)
    assert told == message or (message is None and "expected `" in told)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("LABEL", "LABEL needs at least one argument"),
        ("ENV a", "ENV needs a value: `ENV a=…`"),
        ("LABEL a=b c", "`c` has no `=`: expected `name=value`"),
        ("LABEL =b", "`=b` has no name"),
        ("ARG =b", "`=b` has no name"),
        ("ARG", "ARG needs at least one argument"),
        ("COPY a", "COPY needs a source and a destination"),
        ("ADD", "ADD needs a source and a destination"),
        ("USER", "USER needs an argument"),
        ("WORKDIR  ", "WORKDIR needs an argument"),
        ("EXPOSE", "EXPOSE needs at least one argument"),
        ("VOLUME []", "VOLUME needs at least one argument"),
        ('VOLUME [" "]', "the path of a VOLUME is empty"),
        ("SHELL []", "SHELL needs at least one argument"),
        ("SHELL sh -c", 'SHELL needs a JSON array, such as `["/bin/bash", "-c"]`'),
        ("ONBUILD", "ONBUILD needs an argument"),
        ("ONBUILD ONBUILD CMD x", "ONBUILD cannot hold another ONBUILD"),
        ("ONBUILD from x", "ONBUILD cannot hold FROM"),
        ("ONBUILD Maintainer x", "ONBUILD cannot hold MAINTAINER"),
        ("ONBUILD label x", "LABEL needs a value: `LABEL x=…`"),
        ("ONBUILD CMD [1]", "an array in JSON must hold nothing but text"),
        ("HEALTHCHECK", "HEALTHCHECK needs `CMD` or `NONE`"),
        ("HEALTHCHECK x", "HEALTHCHECK needs `CMD` or `NONE`, got `X`"),
        ("HEALTHCHECK NONE x", "HEALTHCHECK NONE takes no arguments"),
        ("HEALTHCHECK CMD", "HEALTHCHECK CMD needs a command"),
        ("HEALTHCHECK --interval=5 CMD x", "`--interval`: `5` is not a duration such as `1m30s`"),
        ("HEALTHCHECK --timeout=9us CMD x", "`--timeout`: `9us` is less than 1 ms"),
        ("HEALTHCHECK --timeout=9999999h CMD x", None),
        ("HEALTHCHECK --retries=-1 CMD x", "`--retries` is `-1`: expected a number from 0"),
        ("COPY a <<E", "the destination of COPY cannot be a heredoc"),
    ],
)
def test_wrong_arguments_are_errors(text: str, message: str | None) -> None:
    """Each says what is missing or what was expected."""
    if "<<E" in text:
        text += "\nE"
    assert refused_step(text) == message or message is None


def test_heredocs_belong_to_their_instruction() -> None:
    """Several, in their order, with tabs and quotes as a shell has them."""
    content = 'COPY <<-"A" f <<B /d/\n\ta $x\n\tA\nb\n# b\n\nB\n'
    (stage,) = read(f"FROM scratch\n{content}USER u\n").stages
    step, user = stage.steps
    assert isinstance(step, Copy)
    assert step.heredocs == (
        Heredoc("A", "\ta $x\n", expand=False, chomp=True),
        Heredoc("B", "b\n# b\n\n"),
    )
    assert (step.sources, step.destination) == (("f",), "/d/")
    assert [heredoc.chomped for heredoc in step.heredocs] == ["a $x\n", "b\n# b\n\n"]
    assert (user.line, isinstance(user, User)) == (9, True)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("RUN <<E\nE", ["E"]),
        ("RUN 3<<E cat <<'F' | x\nE\nF", ["E", "F"]),
        ("RUN <<E>x\nE>x", ["E>x"]),
        ("RUN cat <<< E", []),
        ("RUN echo '<<E'", []),
        ('RUN ["<<E"]', []),
        ("LABEL a=<<E", []),
        ("RUN <<", []),
        ("RUN a << E", []),
        ('RUN "<<E', []),
        ("ONBUILD RUN <<E\nE", ["E"]),
    ],
)
def test_where_a_heredoc_begins(text: str, names: list[str]) -> None:
    """In RUN, COPY and ADD, as a word of its own, and not in quotes or JSON."""
    step = step_of(text)
    if isinstance(step, Run):
        assert [heredoc.name for heredoc in step.heredocs] == names
    if isinstance(step, Onbuild):
        assert step.trigger == "RUN <<E\nE"


@pytest.mark.parametrize("name", ["../x", "/x", "a/b", ".", "..", "'..'"])
@pytest.mark.parametrize("text", ["COPY <<{} /x", "ADD f <<{} /x", "RUN <<-{}"])
def test_a_heredoc_that_is_a_file_has_its_name(text: str, name: str) -> None:
    """And no other place than its own."""
    end = name.strip("'")
    message = refused_step(f"{text.format(name)}\n#!/bin/sh\n{end}")
    assert message == f"`<<{end}` names a file: it cannot be `.` or `..`, or have a `/`"


@pytest.mark.parametrize("text", ["RUN <</x\ntrue\n/x", "RUN sh <<..\n#!/bin/sh\n.."])
def test_a_heredoc_for_a_shell_has_any_name(text: str) -> None:
    """It becomes no file."""
    step = step_of(text)
    assert isinstance(step, Run)
    assert step.heredocs[0].name in ("/x", "..")


def test_a_heredoc_keeps_its_line_breaks() -> None:
    """CRLF too; the end may have one."""
    (stage,) = read(b"FROM scratch\nCOPY <<E /\r\na\r\nb\nE\r\nUSER x\n").stages
    step, _ = stage.steps
    assert isinstance(step, Copy)
    assert step.heredocs[0].content == "a\r\nb\n"


def test_a_health_check_has_durations() -> None:
    """In Go's form, in nanoseconds."""
    step = step_of(
        "HEALTHCHECK --interval=1h2m3.5s --timeout=.5s --start-period=0 "
        "--start-interval=+2ms --retries=3 cmd a  b"
    )
    assert isinstance(step, Health)
    assert step.check == Healthcheck(
        test=("CMD-SHELL", "a  b"),
        interval=3723500000000,
        timeout=500000000,
        start_interval=2000000,
        retries=3,
    )
    array, none = step_of('HEALTHCHECK CMD ["a"]'), step_of("HEALTHCHECK --interval=x none")
    assert isinstance(array, Health)
    assert isinstance(none, Health)
    assert (array.check.test, none.check.test) == (("CMD", "a"), ("NONE",))


def test_other_instructions_keep_their_text() -> None:
    """All of it is the argument; ports are put in order."""
    workdir, user, expose = step_of("WORKDIR a b "), step_of("USER  $u:g"), step_of("EXPOSE 9 80 1")
    assert isinstance(workdir, Workdir)
    assert isinstance(user, User)
    assert isinstance(expose, Expose)
    assert (workdir.path, user.user, expose.ports) == ("a b", "$u:g", ("1", "80", "9"))
    assert isinstance(step_of("ONBUILD FOO x"), Onbuild)
    trigger = step_of("onbuild  env a  b")
    assert isinstance(trigger, Onbuild)
    assert trigger.trigger == "env a  b"


def test_mounts_are_read_with_their_variables() -> None:
    """A list in CSV; what is read-only by default depends on the type."""
    bind = read_mount("source=$s,target=/t", lambda text: text.replace("$s", "x"))
    assert (bind.kind, bind.source, bind.target, bind.read_only) == ("bind", "x", "/t", True)
    cache = read_mount('type=cache,"dst=/a,b",sharing=locked,mode=0755,uid=1,from=x,id=i', str)
    assert (cache.target, cache.sharing, cache.mode, cache.uid) == ("/a,b", "locked", 0o755, 1)
    assert (cache.read_only, cache.from_, cache.id) == (False, "x", "i")
    assert read_mount("type=tmpfs,target=/t,size=1.5k", str).size == 1536
    assert read_mount("type=secret,id=i,required,env=E", str).required
    assert not read_mount("target=/t,rw", str).read_only


@pytest.mark.parametrize(
    "text",
    [
        *("type=disk", "target", "size=1", "type=tmpfs,size=x", "mode=0755", "uid=1", "what=1"),
        *("required", "sharing=shared", "type=cache,sharing=x", "type=secret", "ro=maybe"),
        *("type=secret,from=x,id=y", "type=secret,id=a,source=b", '"target=a', "type=cache,mode=9"),
    ],
)
def test_wrong_mounts_are_errors(text: str) -> None:
    """Each names the mount."""
    assert refusal(lambda: read_mount(text, str)).startswith(f"the mount `{text}`")


def test_a_mount_takes_no_variable_for_its_origin() -> None:
    """Which stages there are must be known before anything is evaluated."""
    assert "`from` takes no variables" in refused_step("RUN --mount=from=$x,target=/a b")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a b", '"a b"'),
        ('"\\', '"\\"\\\\"'),
        ("\n\t\x01\x7f", '"\\n\\t\\x01\\x7f"'),
        ("é\u00a0\u2028\U000e0001", '"é\\u00a0\\u2028\\U000e0001"'),
    ],
)
def test_text_in_histories_is_quoted_as_in_go(text: str, expected: str) -> None:
    """What cannot be printed is escaped."""
    assert quoted_text(text) == expected


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (0, "'\\x00'"),
        (3, "'\\x03'"),
        (39, "'\\''"),
        (65, "'A'"),
        (0xD800, "'\ufffd'"),
        (1 << 30, "'\ufffd'"),
    ],
)
def test_numbers_in_histories_may_be_characters(number: int, expected: str) -> None:
    """The retries of a health check are."""
    assert quoted_rune(number) == expected


WORDS = st.sampled_from(
    [
        *("FROM", "RUN", "COPY", "ADD", "ENV", "ARG", "LABEL", "ONBUILD", "HEALTHCHECK", "CMD"),
        *("SHELL", "EXPOSE", "VOLUME", "scratch", "AS", "a=b", "<<E", "E", "--from=x", "--mount=a"),
        *("--", "[", '["a"]', "\\", "`", "#", "# escape=`", '"', "'", "$x", "${x", "\n", "\n"),
        *(" ", "\t", "é", "]"),
    ]
)


@given(st.lists(WORDS, max_size=25).map(lambda words: " ".join(words).encode()) | st.binary())
def test_any_file_is_read_or_refused(content: bytes) -> None:
    """With an error of one line that names the file, and nothing else."""
    for head in (b"", b"FROM scratch\n"):
        try:
            read(head + content)
        except fl.DockerfileError as error:
            message = str(error)
            assert message.startswith("`Dockerfile`")
            assert "\n" not in message
