"""What is interrupted: commands that write, each with what was there before."""

import hashlib
import random
import shutil
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import fastlayer as fl
from commands import Argument
from conformance.peers import absent, call, find, need_root
from registries import Registry

from .figures import Verdict
from .killing import is_temporary
from .promise import State, state

_SLOW = ("--threads", "1", "--compression", "gzip:9")
_RUNNER = """
#include <stdio.h>
#include <unistd.h>
int main(void) {
    FILE *file = fopen("/made", "w");
    for (int n = 0; n < 200000; n++) fprintf(file, "%d\\n", n);
    usleep(100000);
    return fclose(file);
}
"""
_STAGES = "FROM scratch AS a\nCOPY tree /a\nFROM scratch\nCOPY --from=a /a /b\nCOPY tree /c\n"
_RUN = 'FROM scratch\nCOPY run /run\nCOPY tree /tree\nRUN ["/run"]\n'


class Inputs:
    """What commands read: a tree of some MB, a Dockerfile, an image of many files."""

    def __init__(self, root: Path) -> None:
        self.root = root
        noise = random.Random(5)
        tree = root / "context" / "tree"
        tree.mkdir(parents=True)
        for number in range(5):
            lines = (b"line %d of %d\n" % (noise.randrange(9999), number) for _ in range(60_000))
            (tree / f"text-{number}").write_bytes(b"".join(lines))
        for number in range(200):
            (tree / f"d{number % 9}").mkdir(exist_ok=True)
            (tree / f"d{number % 9}" / f"f{number}").write_bytes(noise.randbytes(200))
        (root / "context" / "Dockerfile").write_text(_STAGES)
        files = {f"a{n % 40}/b{n % 7}/f{n}": b"%d\n" % n for n in range(4_000)}
        layers = [fl.Layer.from_files(files), fl.Layer.from_directory(tree)]
        fl.Image.scratch().append(*layers).save(root / "many.tar")
        old = fl.Image.scratch().append(fl.Layer.from_files({"old": noise.randbytes(1000)}))
        old.save(root / "old.tar", tags=["x:1"])
        old.write_layout(root / "old", tags=["x:old"])

    def make_runner(self) -> None:
        """Make the program of a RUN, where one can be executed."""
        need_root("RUN")
        find("crun")
        context = self.root / "context"
        (context / "Dockerfile.run").write_text(_RUN)
        (self.root / "run.c").write_text(_RUNNER)
        try:
            call([find("cc"), "-static", "-o", context / "run", self.root / "run.c"])
        except AssertionError as error:
            absent(f"nothing can be linked statically here: {error}")


def without_leftovers(found: State) -> State:
    """Leave out what has a temporary name, as a killed process may leave it."""
    return {
        path: what for path, what in found.items() if not any(map(is_temporary, Path(path).parts))
    }


class Operation(ABC):
    """A command that runs in a folder with `out` for its output and `tmp`."""

    name: str
    new: State
    """What an undisturbed run left in `out`."""

    def __init__(self, inputs: Inputs) -> None:
        self.inputs = inputs

    @abstractmethod
    def arguments(self) -> list[Argument]:
        """Give the command."""

    def put_old(self, out: Path) -> None:
        """Put there what was there before: nothing, unless it is said otherwise."""
        assert not any(out.iterdir())

    @contextmanager
    def prepared(self, place: Path) -> Iterator[Path]:
        """Make the folders of one run, which are gone afterwards."""
        place.mkdir()
        (place / "tmp").mkdir()
        (place / "out").mkdir()
        self.put_old(place / "out")
        yield place
        shutil.rmtree(place)

    def learn(self, place: Path) -> None:
        """Remember what an undisturbed run made."""
        self.check_clean(place)
        self.new = state(place / "out")
        assert self.verdict(place) == "complete"

    def verdict(self, place: Path) -> Verdict:
        """Say which of the two states is there; anything else is an error."""
        found = without_leftovers(state(place / "out"))
        if found == self.new:
            return "complete"
        out = place / "expected"
        out.mkdir()
        self.put_old(out)
        old = state(out)
        shutil.rmtree(out)
        assert found == old, f"neither old nor new: {sorted(found)}"
        return "absent"

    def again(self, _place: Path, _verdict: Verdict) -> tuple[int, str]:
        """Say how the next run ends: its status, and what it says."""
        return 0, ""

    def check_clean(self, place: Path) -> None:
        """There is no temporary file."""
        names = [path.relative_to(place) for path in (place / "out").rglob("*")]
        assert not [name for name in names if any(map(is_temporary, name.parts))]
        assert not any((place / "tmp").iterdir())


class ToArchive(Operation):
    """A directory to an archive in the place of another one."""

    name = "build to an archive"

    def arguments(self) -> list[Argument]:
        tree = self.inputs.root / "context" / "tree"
        return ["build", "--rootfs", tree, *_SLOW, "-t", "x:1", "-o", "out/x.tar"]

    def put_old(self, out: Path) -> None:
        shutil.copyfile(self.inputs.root / "old.tar", out / "x.tar")


class ToLayout(Operation):
    """A directory into a layout with another image."""

    name = "build into a layout"

    def arguments(self) -> list[Argument]:
        tree = self.inputs.root / "context" / "tree"
        return ["build", "--rootfs", tree, *_SLOW, "-t", "x:new", "-o", "oci:out/layout"]

    def put_old(self, out: Path) -> None:
        shutil.copytree(self.inputs.root / "old", out / "layout")

    def verdict(self, place: Path) -> Verdict:
        """The index is the old or the new one, and every blob is what its name says."""
        layout = place / "out" / "layout"
        assert not fl.validate(layout).problems
        for name, (_, content) in without_leftovers(state(layout / "blobs" / "sha256")).items():
            assert content == name
        found = without_leftovers(state(layout))
        old = state(self.inputs.root / "old")
        kept = {name: what for name, what in old.items() if name != "index.json"}
        assert kept.items() <= found.items()
        index = found["index.json"]
        if index == old["index.json"]:
            return "absent"
        assert index == self.new["layout/index.json"]
        assert without_leftovers(state(place / "out")) == self.new
        return "complete"


class ToNewLayout(Operation):
    """A directory into a layout that is made."""

    name = "build to a new layout"

    def arguments(self) -> list[Argument]:
        tree = self.inputs.root / "context" / "tree"
        return ["build", "--rootfs", tree, *_SLOW, "-t", "x:new", "-o", "oci:out/layout"]

    def verdict(self, place: Path) -> Verdict:
        """Without an index it is no layout yet; after SIGKILL there may be whole blobs."""
        found = without_leftovers(state(place / "out"))
        if "layout/index.json" in found:
            assert found == self.new
            return "complete"
        for name, (_, content) in found.items():
            if name.startswith("layout/blobs/sha256/"):
                assert content == Path(name).name
        return "absent"


class Unpack(Operation):
    """An image to a directory."""

    name = "unpack"

    def arguments(self) -> list[Argument]:
        return ["unpack", self.inputs.root / "many.tar", "out/rootfs"]

    def again(self, place: Path, verdict: Verdict) -> tuple[int, str]:
        """What is complete is in the way."""
        if verdict == "complete":
            return 2, f"fastlayer: error: the directory `{place}/out/rootfs` is not empty\n"
        return super().again(place, verdict)


class Dockerfile(Operation):
    """A Dockerfile with stages, whose layers are made in a folder first."""

    name = "build of a Dockerfile"

    def arguments(self) -> list[Argument]:
        context = self.inputs.root / "context"
        return ["build", context, *_SLOW, "-t", "x:1", "-o", "out/x.tar"]

    def put_old(self, out: Path) -> None:
        shutil.copyfile(self.inputs.root / "old.tar", out / "x.tar")


class Run(Dockerfile):
    """The same with a RUN."""

    name = "build of a Dockerfile with RUN"

    def arguments(self) -> list[Argument]:
        file = self.inputs.root / "context" / "Dockerfile.run"
        return [*super().arguments(), "-f", file, "--run-engine", "crun"]


class ToRegistry(Operation):
    """A directory to a tag that another image has."""

    name = "build into a registry"

    registry: Registry
    _old: bytes | None
    _new: bytes | None

    def arguments(self) -> list[Argument]:
        tree = self.inputs.root / "context" / "tree"
        # Two layers: the upload of one goes on beside the other.
        add = ("--add", f"{self.inputs.root / 'many.tar'}:/many.tar")
        name = f"docker://{self.registry.domain}/x:1"
        return ["build", "--rootfs", tree, *add, *_SLOW, "-o", name]

    @contextmanager
    def prepared(self, place: Path) -> Iterator[Path]:
        with super().prepared(place), Registry() as self.registry:
            fl.Image.load(self.inputs.root / "old.tar").push(f"{self.registry.domain}/x:1")
            self._old = self.registry.manifest("x", "1")
            yield place

    def learn(self, place: Path) -> None:
        self.check_clean(place)
        self._new = self.registry.manifest("x", "1")
        assert self.verdict(place) == "complete"

    def verdict(self, place: Path) -> Verdict:
        """The tag is the old or the new image, all of which is there."""
        assert not any((place / "out").iterdir())
        for (_, digest), content in self.registry.routes.contents.blobs.items():
            assert "sha256:" + hashlib.sha256(content).hexdigest() == digest
        assert not fl.validate(f"docker://{self.registry.domain}/x:1").problems
        found = self.registry.manifest("x", "1")
        assert found in (self._old, self._new)
        return "complete" if found == self._new else "absent"


OPERATIONS: dict[str, type[Operation]] = {
    operation.name: operation
    for operation in (ToArchive, ToLayout, ToNewLayout, ToRegistry, Unpack, Dockerfile, Run)
}
