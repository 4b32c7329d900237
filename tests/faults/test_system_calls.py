"""Every system call on what an operation reads and writes fails, in every way that it can.

An operation runs once without a fault, and its calls are recorded. Then it runs again for each of
them, for the first, the middle and the last of its kind on each file, and for each error that such
a call can give, short reads and writes among them.
"""

from dataclasses import dataclass
from pathlib import Path

import pytest

from registries import Registry

from .amount import sample
from .errors import MUST_FAIL, MUST_PASS, faults_of
from .figures import Figures, Verdict
from .injection import Call, Fault, Injector, Traced
from .operations import (
    OPERATIONS,
    REPOSITORY,
    Operation,
    make_inputs,
    registry_with_old,
    renew_outputs,
)
from .promise import State, check_error, state, without_new_blobs

# How many of some hundred faults of each operation are tried where not all are.
FEW = 1


@dataclass(frozen=True)
class Run:
    """A command that ran, and all that there is then."""

    traced: Traced
    state: State
    printed: bytes
    pushed: str = ""


class Workplace:
    """A folder with inputs and old outputs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.injector = Injector(folder)
        make_inputs(folder / "w")

    def run(self, operation: Operation, *faults: Fault) -> Run:
        """Run an operation where only the old outputs are."""
        folder = self.folder / "w"
        renew_outputs(folder)
        if operation.uses_registry:
            with registry_with_old() as registry:
                traced = self._traced(operation, registry.domain, *faults)
                return Run(traced, state(folder), b"", _pushed(registry))
        traced = self._traced(operation, "", *faults)
        return Run(traced, state(folder), traced.outcome.stdout)

    def _traced(self, operation: Operation, domain: str, *faults: Fault) -> Traced:
        folder = self.folder / "w"
        env = {"TMPDIR": str(folder / "tmp"), "HOME": "/nonexistent"}
        return self.injector.run(operation.on(domain), folder, *faults, env=env)

    def before(self) -> State:
        """What is there before an operation."""
        renew_outputs(self.folder / "w")
        return state(self.folder / "w")


def _pushed(registry: Registry) -> str:
    """The digest of what has the name, of which the registry has everything."""
    contents = registry.routes.contents
    digest = contents.tags[REPOSITORY, "1"]
    assert digest in {name for _, name in contents.manifests}
    return digest


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    """Inputs for all operations, which none of them changes."""
    return Workplace(tmp_path_factory.mktemp("faults"))


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_complete_or_absent(operation: Operation, workplace: Workplace, faults: Figures) -> None:
    """Whichever call fails, the output is the whole right one or the old one, and told so."""
    before = workplace.before()
    clean = workplace.run(operation)
    assert clean.traced.outcome.status == 0, clean.traced.outcome.stderr
    assert operation.uses_registry or clean.printed or clean.state != before
    lost = []
    for fault in sample(faults_of(clean.traced.calls), FEW):
        run = workplace.run(operation, fault)
        if not run.traced.injected:
            continue  # what threads do has no fixed order: this time there was no such call
        faults.injected(operation.name)
        try:
            verdict = judge(operation, fault, run, clean, before)
        except AssertionError as error:
            lost.append(f"{fault}: {error}")
        else:
            faults.survived(operation.name, verdict)
    assert not lost, "\n".join(lost)


@pytest.mark.parametrize("operation", sample(OPERATIONS, 4), ids=str)
def test_names_at_random_are_known(operation: Operation, workplace: Workplace) -> None:
    """Two runs have the same names: a fault on a name that comes only once would never be met."""
    runs = [workplace.run(operation).traced.calls for _ in range(2)]
    first, second = ({call.files for call in calls} for calls in runs)
    assert first == second


def judge(operation: Operation, fault: Fault, run: Run, clean: Run, before: State) -> Verdict:
    """Say what became of the output. What is neither, or not told right, is an assertion."""
    outcome = run.traced.outcome
    told = (outcome.status, outcome.stderr)
    if outcome.status == 0:
        assert (fault.name, fault.action) not in MUST_FAIL, "not told"
        assert run.state == clean.state, "exit 0, but the output is not right"
        assert run.pushed == clean.pushed, "exit 0, but not pushed"
        assert operation.uses_registry or _same_print(run, clean), "exit 0, but printed otherwise"
        assert outcome.stderr == clean.traced.outcome.stderr, told
        return "complete"
    assert fault.action not in MUST_PASS, told
    check_error(outcome, {*operation.names, *_names(run.traced.injected)}, operation.failed)
    if run.state == clean.state != before:
        assert _at_the_end(run.traced.calls), "complete, but failed"
        return "complete"
    left = without_new_blobs(run.state, before)
    assert left == before, f"left: {_difference(left, before)}, {told}"
    return "absent"


def _same_print(run: Run, clean: Run) -> bool:
    return run.printed == clean.printed


def _names(calls: list[Call]) -> set[str]:
    """What a message may name: the file, or folders above it."""
    found = set()
    for call in calls:
        path = Path(call.files)
        if path.suffix == ".tar":
            found.add("`blobs/sha256/")  # what is in the archive has names of its own
        found |= {f"{place}`" for place in (path, *path.parents) if str(place) != "."}
        found.add(f"{path}/")
        if call.files == "-":
            found.add("thread")
        if call.files == "socket":
            found.add("127.0.0.1")
    return found


def _at_the_end(calls: list[Call]) -> bool:
    """Whether the failing call came after the output had its name."""
    names = [call.name for call in calls]
    first = next(number for number, call in enumerate(calls) if call.failed)
    return not any(name.startswith("rename") for name in names[first + 1 :])


def _difference(now: State, before: State) -> str:
    paths = sorted(path for path in {*now, *before} if now.get(path) != before.get(path))
    return ", ".join(paths)
