"""The house: who may import whom."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import fastlayer as fl

PACKAGE = Path(fl.__file__).parent

# Values ← documents ← engine ← stored ← layer ← image ← archive ← location ← looking ← cli.
ORDER = [
    {"errors", "later"},
    {"attribute", "digest", "links", "media_type", "rewriting", "setting", "toml_lines", "undo"},
    {"platform", "epoch", "toml_file"},
    {"reference", "registries", "toml_table"},
    {"descriptor", "document", "store", "tags"},
    {"config", "manifest", "index"},
    {"changes", "engine"},
    {"edit", "policy", "temporary"},
    {"edit_file", "edit_text"},
    {"options"},
    {"stored"},
    {"built_layer", "items"},
    {"layer_source"},
    {"layer", "mtree"},
    {"tree"},
    {"built", "derive", "rebase", "rootfs", "unpacking"},
    {"assembly"},
    {"image"},
    {"image_index"},
    {"archive", "registry"},
    {"location"},
    {"dockerfile"},
    {"recipes"},
    {"destination", "difference", "inspection", "validation"},
    {"image_file"},
    {"cli"},
]
# Methods that write are doors to the sinks above them, and `edit.load` is one to its file format;
# they open when they are called.
DOORS = {
    ("built", "archive"),
    ("built", "registry"),
    ("edit", "edit_file"),
    ("image", "location"),
    ("image_index", "location"),
    ("layer", "archive"),
    ("location", "registry"),
    ("registries", "registry"),
    ("stored", "location"),
}


def imports(path: Path) -> set[tuple[str, bool]]:
    """The modules of the package that a file imports, and whether at its top or when called."""
    tree = ast.parse(path.read_text())
    found = set()
    top = {id(node) for node in tree.body}
    typing = {
        id(inner)
        for node in tree.body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module]
            if node.module == "fastlayer":
                names = [f"fastlayer.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            if name.startswith("fastlayer.") and id(node) not in typing:
                found.add((name.split(".")[1], id(node) in top))
    return found


def modules() -> list[tuple[str, Path]]:
    """Every file of the package with the room of the house that it is in."""
    files = sorted(PACKAGE.rglob("*.py"))
    return [
        (path.relative_to(PACKAGE).with_suffix("").parts[0], path)
        for path in files
        if path.relative_to(PACKAGE).parts[0] not in ("__init__.py", "__main__.py")
    ]


@pytest.mark.parametrize(
    ("room", "path"), modules(), ids=[str(path.relative_to(PACKAGE)) for _, path in modules()]
)
def test_imports_go_down(room: str, path: Path) -> None:
    """A module imports only what stands before it; only `engine` knows the compiled core."""
    rank = {name: number for number, names in enumerate(ORDER) for name in names}
    for name, at_top in imports(path):
        if name == "_core":
            assert room == "engine"
        elif name != room:
            allowed = rank[name] < rank[room] or (not at_top and (room, name) in DOORS)
            assert allowed, f"{room} imports {name}"


def test_the_network_is_imported_when_it_is_used() -> None:
    """Who builds into a file does not wait for what talks to registries."""
    code = "import sys, fastlayer; sys.exit(bool({'urllib3', 'ssl'} & {*sys.modules}))"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_what_few_need_is_imported_when_it_is_used() -> None:
    """Nor does who makes a layer wait for Dockerfiles, recipes and image files, which are there."""
    parts = ("dockerfile.evaluation", "image_file", "recipes", "toml_table")
    code = (
        "import sys, fastlayer as fl; "
        f"loaded = {{*sys.modules}} & {{f'fastlayer.{{part}}' for part in {parts}}}; "
        "fl.dockerfile.evaluate, fl.read_image_file, fl.recipes.tweaks, fl.recipes.distroless; "
        "assert not loaded, loaded; assert not hasattr(fl, 'nothing')"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_public_face_is_complete() -> None:
    """`__all__` is sorted, and all that `__init__` imports by name is in it."""
    assert fl.__all__ == sorted(fl.__all__)
    tree = ast.parse((PACKAGE / "__init__.py").read_text())
    imported = {
        alias.asname or alias.name
        for node in ast.walk(tree)  # what is imported later is imported for types at once
        if isinstance(node, ast.ImportFrom) and node.module not in ("typing", "fastlayer.later")
        for alias in node.names
    }
    assert imported == set(fl.__all__)


def test_the_core_does_not_know_its_binding() -> None:
    """In Rust, `py` uses `core`, never the other way; `tar` and `compress` are strangers."""
    rust = PACKAGE.parents[1] / "rust"
    if not rust.is_dir():
        pytest.skip("the Rust sources are not beside the package")
    for path in (rust / "core" / "src").rglob("*.rs"):
        text = path.read_text()
        assert "pyo3" not in text, path
        if path.is_relative_to(rust / "core" / "src" / "tar"):
            assert "crate::compress" not in text, path
        if path.is_relative_to(rust / "core" / "src" / "compress"):
            assert "crate::tar" not in text, path
