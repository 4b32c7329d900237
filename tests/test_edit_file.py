"""`edit.load`: edits of a TOML file, and every way to write a wrong one."""

import os
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

import fastlayer as fl
from fastlayer import edit

GUIDE = Path(__file__).parents[1] / "docs" / "edits.md"


def loaded(folder: Path, text: str) -> list[edit.Edit]:
    """The edits of a file with this text."""
    path = folder / "edits.toml"
    path.write_text(text)
    return edit.load(path)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('exclude = ["a", "!a/b"]', [edit.exclude("a", "!a/b")]),
        ('exclude = "a"', [edit.exclude("a")]),
        (
            'path_rules = ["path-exclude=/a/*", "path-include=/a/b"]',
            [edit.path_rules("path-exclude=/a/*", "path-include=/a/b")],
        ),
        ('remove = "boot"', [edit.remove("boot")]),
        ('remove = ["boot", "/mnt"]', [edit.remove("boot"), edit.remove("/mnt")]),
        ('rename = "a"\nto = "b"', [edit.rename("a", "b")]),
        ('put = "a"\ncontent = "ü\\n"', [edit.put("a", "ü\n".encode())]),
        (
            'put = "a"\ncontent = ""\nmode = "4755"\nowner = "7:8"',
            [edit.put("a", b"", mode=0o4755, owner=(7, 8))],
        ),
        ('directory = "a"', [edit.directory("a")]),
        (
            'directory = "a"\nmode = "0o700"\nowner = "7"',
            [edit.directory("a", mode=0o700, owner=(7, 7))],
        ),
        ('symlink = "a"\ntarget = "../b"', [edit.symlink("a", "../b")]),
        (
            'symlink = "a"\ntarget = "b"\nowner = "1:2"',
            [edit.symlink("a", "b", owner=(1, 2))],
        ),
        ('chmod = ["a", "b"]\nmode = "0"', [edit.chmod(["a", "b"], 0)]),
        ('chown = "a/**"\nowner = "1:2"', [edit.chown("a/**", (1, 2))]),
        ('truncate = ["a", "b"]', [edit.truncate("a", "b")]),
        ('append = "a"\nlines = "ü\\n"', [edit.append("a", "ü\n".encode())]),
        (
            "substitute = 'a'\npattern = '^(x)'\nreplacement = '\\1'",
            [edit.substitute("a", "^(x)", r"\1")],
        ),
        (
            'remove = ["a", "b"]\noptional = true',
            [replace(edit.remove(path), optional=True) for path in "ab"],
        ),
        ("clamp_mtime = 5", [edit.clamp_mtime(5)]),
        (
            "clamp_mtime = 2025-04-18T19:07:30Z",
            [edit.clamp_mtime(datetime(2025, 4, 18, 19, 7, 30, tzinfo=UTC))],
        ),
    ],
)
def test_each_verb_is_a_function_of_the_module(
    text: str, expected: list[edit.Edit], tmp_path: Path
) -> None:
    """With the same defaults."""
    assert loaded(tmp_path, f"[[edit]]\n{text}\n") == expected


def test_every_verb_has_its_place_in_the_tests() -> None:
    """A verb that the module gains, but for functions, a file can hold; and the guide shows it."""
    verbs = set(edit.__all__) - {"Edit", "load", "rewrite"}
    assert set(re.findall(r"^(\w+) = ", example(), re.MULTILINE)) >= verbs


def example() -> str:
    """The file in the guide."""
    (text,) = re.findall(r"```toml\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    return str(text)


def test_the_example_of_the_guide_is_a_file_of_edits(tmp_path: Path) -> None:
    """As many edits as tables, but for a list of paths to be removed."""
    edits = loaded(tmp_path, example())
    assert len(edits) == example().count("[[edit]]") + 1


def test_edits_come_in_their_order(tmp_path: Path) -> None:
    """Those of a list, too; a file without any is one."""
    text = '[[edit]]\nremove = ["b", "a"]\n[[edit]]\nput = "a"\ncontent = ""\n'
    assert [str(one) for one in loaded(tmp_path, text)] == ["remove b", "remove a", "put a …"]
    assert loaded(tmp_path, "") == []


def test_a_file_is_found_beside_the_edits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever the command runs; an absolute name is what it is."""
    folder = tmp_path / "image"
    folder.mkdir()
    (folder / "motd").write_text("hello\n")
    text = f'[[edit]]\nput = "a"\nfile = "motd"\n[[edit]]\nput = "b"\nfile = "{folder}/motd"\n'
    (folder / "edits.toml").write_text(text)
    monkeypatch.chdir(tmp_path)
    edits = edit.load("image/edits.toml")
    assert edits == [edit.put("a", "image/motd"), edit.put("b", f"{folder}/motd")]
    assert edit.load(os.fspath(folder / "edits.toml"))[0] == edit.put("a", f"{folder}/motd")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[edit]\n", ":1: not TOML: expected "),
        ("a = " + "[" * 10_000, ": not TOML: too many brackets inside one another"),
        ("a = " + "1" * 5_000, ": not TOML: a number has too many digits"),
        ('\n\na = """\n', ":3: not TOML: unterminated string (at end of document)"),
        ("a = 1\n\na = 2\n", ":3: not TOML: cannot overwrite a value"),
        ("\na = 0x8000000000000000\n", ":2: an integer has more than 64 bits"),
        (f"[x]\na = [0,\n {{b = 0x{'f' * 9_999}}}]", ":3: an integer has more than 64 bits"),
        ("\n[" + "a." * 100 + "a]", ":2: a key has more than 100 parts"),
        ("a = 1\n" + ".\t".join(["'a.b'", '"c.d"', "e"] * 34) + " = 1", ":2: a key has more than "),
        ("a = [1.5,\n{" + "a." * 15_000 + "a = 1}]", ":2: a key has more than 100 parts"),
        ("# " + "x" * (4 << 20), ": it has more than 4194304 bytes"),
        ("# edits\n[[edits]]\n", ":2: unknown key `edits`: did you mean `edit`?"),
        ("version = 1\n", ":1: unknown key `version`: expected `edit`"),
        ('[edit]\nremove = "a"\n', ":1: `edit` must be an array of tables: write `[[edit]]`"),
        ('edit = ["remove a"]\n', ":1: `edit` must be an array of tables: write `[[edit]]`"),
    ],
)
def test_a_wrong_file_is_named(text: str, message: str, tmp_path: Path) -> None:
    """In one line, whatever is in it."""
    with pytest.raises(fl.InvalidArgumentError) as failure:
        loaded(tmp_path, text)
    assert str(failure.value).startswith(f"`{tmp_path}/edits.toml`{message}")


@pytest.mark.parametrize(
    ("line", "text", "message"),
    [
        (3, "", "nothing says what to do: expected `exclude`, `path_rules`, "),
        (3, 'content = "x"', "nothing says what to do: expected "),
        (4, 'remov = "a"', "unknown key `remov`: did you mean `remove`?"),
        (4, 'path-rules = "a"', "unknown key `path-rules`: did you mean `path_rules`?"),
        (4, 'hardlink = "a"', "unknown key `hardlink`: expected `exclude`, "),
        (5, 'put = "a"\nmod = "0644"', "unknown key `mod`: did you mean `mode`?"),
        (5, 'put = "a"\nto = "b"', "unknown key `to`: expected `content`, `file`, `mode`, `owner`"),
        (5, 'remove = "a"\nx = 1', "unknown key `x`: expected `optional`"),
        (5, 'remove = "a"\noptional = 1', "`remove`: `optional` must be `true` or `false`"),
        (3, 'append = "a"', "`append` needs `lines`"),
        (4, 'append = "a"\nlines = ""', "`append`: `lines` is `b''`: expected bytes"),
        (
            4,
            'substitute = "a"\npattern = "("\nreplacement = ""',
            "`substitute`: the expression `(`, or its replacement, is wrong: missing )",
        ),
        (4, '"a\\nb" = 1', r"unknown key `a\nb`: expected "),
        (
            5,
            'put = "a"\nremove = "b"',
            "`put` and `remove` are two edits: write `[[edit]]` before ",
        ),
        (3, 'rename = "a"', "`rename` needs `to`"),
        (3, 'symlink = "a"', "`symlink` needs `target`"),
        (3, 'chmod = "a"', "`chmod` needs `mode`"),
        (3, 'chown = "a"', "`chown` needs `owner`"),
        (3, 'put = "a"', "`put`: it needs one of `content` and `file`"),
        (3, 'put = "a"\ncontent = ""\nfile = "b"', "`put`: it needs one of `content` and `file`"),
        (5, 'put = "a"\ncontent = 1', "`put`: `content` must be text, got `int`"),
        (4, 'put = ["a"]\ncontent = ""', "`put`: `put` must be text, got `list`"),
        (5, 'put = "a"\nfile = ""', "`put`: `file` is empty or has a NUL: ``"),
        (5, 'put = "a"\nfile = "b\\u0000"', r"`put`: `file` is empty or has a NUL: `b\x00`"),
        (5, 'symlink = "a"\ntarget = "\\u0000"', "`symlink`: `target` is empty or has a NUL: "),
        (4, 'remove = "../a"', "`remove`: invalid path: "),
        (4, 'remove = "/"', "`remove`: invalid path: `/` is the root of the layer"),
        (4, "remove = []", "`remove`: it needs at least one path"),
        (4, "remove = [1]", "`remove`: `remove` must be text or an array of text"),
        (4, "exclude = []", "`exclude`: `exclude` needs at least one pattern"),
        (4, 'truncate = "[a"', "`truncate`: bad exclusion pattern `[a`"),
        (4, 'path_rules = "usr"', "`path_rules`: bad path rule `usr`: expected `path-exclude="),
        (5, 'chmod = "a"\nmode = 644', '`chmod`: `mode` must be text in octal, such as `"0644"`'),
        (5, 'chmod = "a"\nmode = "u+x"', "`chmod`: `u+x` is not an octal number such as `0755`"),
        (5, 'chmod = "a"\nmode = "17777"', "`chmod`: `mode` is `0o17777`: expected "),
        (5, 'chown = "a"\nowner = 0', "`chown`: `owner` must be text, got `int`"),
        (5, 'chown = "a"\nowner = "root"', "`chown`: `owner` is `root`: expected numbers"),
        (
            4,
            'clamp_mtime = "now"',
            "`clamp_mtime`: `clamp_mtime` must be seconds since 1970, or a time such as ",
        ),
        (4, "clamp_mtime = true", "`clamp_mtime`: `time` must be a number, got `bool`"),
        (
            4,
            "clamp_mtime = 2025-04-18T19:07:30",
            "`clamp_mtime`: `time`: `2025-04-18 19:07:30` has ",
        ),
    ],
)
def test_a_wrong_edit_is_named(line: int, text: str, message: str, tmp_path: Path) -> None:
    """By file, line, number and key."""
    with pytest.raises(fl.InvalidArgumentError) as failure:
        loaded(tmp_path, f'[[edit]]\nremove = ["a", "b"]\n[[edit]]\n{text}\n')
    assert str(failure.value).startswith(f"`{tmp_path}/edits.toml`:{line}: edit 2: {message}")
    assert "\n" not in str(failure.value)


def test_text_that_is_not_unicode_is_refused(tmp_path: Path) -> None:
    """TOML is UTF-8."""
    (tmp_path / "x").write_bytes(b'[[edit]]\nremove = "\xff"\n')
    with pytest.raises(fl.InvalidArgumentError, match=r"`:2: not TOML: it is not valid UTF-8"):
        edit.load(tmp_path / "x")


def test_a_missing_file_is_the_system_s_error(tmp_path: Path) -> None:
    """With its name."""
    with pytest.raises(FileNotFoundError) as failure:
        edit.load(tmp_path / "missing")
    assert failure.value.filename == str(tmp_path / "missing")


def test_a_time_in_the_year_1_or_9999_is_one(tmp_path: Path) -> None:
    """As far as TOML's dates go."""
    text = "[[edit]]\nclamp_mtime = 0001-01-01T00:00:00Z\n"
    assert loaded(tmp_path, text) == [edit.clamp_mtime(-62135596800)]
