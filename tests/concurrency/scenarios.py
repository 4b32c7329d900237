"""Each function is a scenario; `python -m concurrency.scenarios NAME FOLDER [N]` runs one."""

import io
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import fastlayer as fl

from .work import VARIANTS, build, digest, image, make_tree, tags, write

Task = tuple[Path, Path, str]


def main() -> None:
    """Run a scenario, whose failure is an exception; threads that are left are one, too."""
    name, folder, *numbers = sys.argv[1:]
    globals()[name](Path(folder), *map(int, numbers))
    assert threading.active_count() == 1, threading.enumerate()
    left = [path for path in Path(folder).rglob("*") if path.name.startswith((".fastl", "fastl"))]
    assert not left, left
    print("done")


def expected(folder: Path) -> dict[str, str]:
    """Build each variant alone, and with it all that the parent of other processes has done."""
    tree = make_tree(folder / "tree")
    return {variant: build((tree, folder / "alone" / variant, variant)) for variant in VARIANTS}


def tasks(folder: Path, rounds: int) -> list[Task]:
    """Give each variant so many times."""
    places = [(variant, number) for number in range(rounds) for variant in VARIANTS]
    return [(folder / "tree", folder / f"{name}-{number}", name) for name, number in places]


def check(right: dict[str, str], done: Iterable[Task], made: Iterable[str]) -> None:
    """The same bytes everywhere."""
    wrong = [task for task, one in zip(done, made, strict=True) if one != right[task[2]]]
    assert not wrong, wrong


def threads(folder: Path, rounds: int) -> None:
    """All at once, each in a thread of its own."""
    right, all_ = expected(folder), tasks(folder, rounds)
    made: dict[int, str] = {}

    def work(number: int) -> None:
        made[number] = build(all_[number])

    running = [threading.Thread(target=work, args=(number,)) for number in range(len(all_))]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    check(right, all_, [made[number] for number in range(len(all_))])


def executor(folder: Path, rounds: int) -> None:
    """A pool of eight threads."""
    right, all_ = expected(folder), tasks(folder, rounds)
    with ThreadPoolExecutor(8) as pool:
        check(right, all_, pool.map(build, all_))


def forked(folder: Path, rounds: int) -> None:
    """Processes that are copies of one that has built already."""
    _processes(folder, rounds, "fork")


def spawned(folder: Path, rounds: int) -> None:
    """Processes that begin anew."""
    _processes(folder, rounds, "spawn")


def _processes(folder: Path, rounds: int, method: str) -> None:
    right, all_ = expected(folder), tasks(folder, rounds)
    context = multiprocessing.get_context(method)
    with context.Pool(4) as pool:
        check(right, all_, pool.map(build, all_, chunksize=1))
    again = [(tree, place / "again", variant) for tree, place, variant in all_]
    with ProcessPoolExecutor(4, context) as processes:
        check(right, again, processes.map(build, again))


def forked_amid_builds(folder: Path, rounds: int) -> None:
    """A copy of a process whose other threads are building at that moment."""
    right = expected(folder)
    stop = threading.Event()

    def keep_busy(number: int) -> None:
        turn = 0
        while not stop.is_set():
            place = folder / "busy" / f"{number}-{turn}"
            assert build((folder / "tree", place, "archive")) == right["archive"]
            turn += 1

    with ThreadPoolExecutor(3) as pool:
        busy = [pool.submit(keep_busy, number) for number in range(3)]
        try:
            for task in tasks(folder, rounds):
                child = os.fork()
                if child == 0:
                    code = 1
                    try:
                        code = int(build(task) != right[task[2]])
                    finally:
                        os._exit(code)
                _, status = os.waitpid(child, 0)
                assert status == 0, (task, status)
        finally:
            stop.set()
        for thread in busy:
            thread.result()


def one_value(folder: Path, rounds: int) -> None:
    """One image, described and loaded, that eight threads build, write, read and compare."""
    tree = make_tree(folder / "tree")
    described = image(tree)
    described.save(folder / "first.tar")
    loaded = fl.Image.load(folder / "first.tar")
    first = (folder / "first.tar").read_bytes()
    described.write_layout(folder / "first")
    alone = digest(folder / "first" / "blobs")
    loaded.unpack(folder / "rootfs")
    tree_alone = digest(folder / "rootfs")

    def work(number: int) -> None:
        own = (described, loaded)[number % 2]
        stream = io.BytesIO()
        own.save(stream)
        assert stream.getvalue() == first
        own.write_layout(folder / f"own-{number}")
        assert digest(folder / f"own-{number}" / "blobs") == alone
        own.write_layout(folder / "shared", tags=[f"x:{number}"])
        loaded.unpack(folder / f"rootfs-{number}")
        assert digest(folder / f"rootfs-{number}") == tree_alone
        assert fl.diff(folder / "first.tar", folder / f"own-{number}") == []

    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(work, number) for number in range(8 * rounds)]:
            done.result()
    assert len(tags(folder / "shared")) == 8 * rounds
    assert digest(folder / "shared" / "blobs") == alone


def writers(folder: Path, count: int) -> None:
    """As many processes as writers, which all begin at once."""
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(count)
    running = [context.Process(target=_writer, args=(barrier, folder, n)) for n in range(count)]
    for process in running:
        process.start()
    for process in running:
        process.join()
    assert [process.exitcode for process in running] == [0] * count


def _writer(barrier: "multiprocessing.synchronize.Barrier", folder: Path, number: int) -> None:
    barrier.wait()
    write((folder / "layout", number))


def readers(folder: Path, count: int) -> None:
    """Who reads a layout while others write to it sees a whole one each time."""
    layout = folder / "layout"
    write((layout, 10_000))
    context = multiprocessing.get_context("fork")
    with context.Pool(6) as pool:
        written = pool.map_async(write, [(layout, number) for number in range(count)], chunksize=1)
        seen = [0]
        while not written.ready():
            assert not fl.validate(layout).problems
            seen.append(len(tags(layout)))
            fl.Image.load(f"oci:{layout}:10000")
        written.get()
    assert seen == sorted(seen)


def interrupted(folder: Path, rounds: int) -> None:
    """What ends one build ends no other: its progress callback raises, or Ctrl-C comes."""
    right = expected(folder)
    tree = folder / "tree"

    def give_up(_done: int, _total: int | None) -> None:
        raise StopIteration

    def cut_short(number: int) -> None:
        layer = fl.Layer.from_directory(tree, level=9, progress=give_up)
        place = folder / f"cut-{number}"
        try:
            fl.Image.scratch().append(layer).save(place)
        except StopIteration:
            assert not place.exists()
        else:
            raise AssertionError("it was not cut short")

    for turn in range(rounds):
        with ThreadPoolExecutor(8) as pool:
            cut = [pool.submit(cut_short, 10 * turn + number) for number in range(4)]
            places = [folder / f"whole-{turn}-{number}" for number in range(4)]
            whole = [(tree, place, "archive") for place in places]
            check(right, whole, pool.map(build, whole))
            for one in cut:
                one.result()
        _control_c(tree, folder, turn, right)


def _control_c(tree: Path, folder: Path, turn: int, right: dict[str, str]) -> None:
    """The main thread's build ends, since signals are for it; the others go on."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    main_thread = threading.main_thread().ident
    assert main_thread is not None
    with ThreadPoolExecutor(3) as pool:
        places = [folder / f"beside-{turn}-{number}" for number in range(3)]
        beside = [(tree, place, "archive") for place in places]
        others = [pool.submit(build, task) for task in beside]
        sent = threading.Timer(0.05, signal.pthread_kill, (main_thread, signal.SIGINT))
        sent.start()
        output = folder / f"main-{turn}"
        try:
            while True:
                fl.Layer.from_directory(tree, level=9).save(output)
                output.unlink()
        except KeyboardInterrupt:
            pass
        sent.join()
        check(right, beside, [other.result() for other in others])
    output.unlink(missing_ok=True)


SCENARIOS: tuple[Callable[..., None], ...] = (
    threads,
    executor,
    forked,
    spawned,
    forked_amid_builds,
    one_value,
    interrupted,
    readers,
    writers,
)

if __name__ == "__main__":
    main()
