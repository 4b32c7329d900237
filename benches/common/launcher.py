"""Runs one command and reports the cost of every process it started.

Run as `python -I -S launcher.py REPORT PROGRAM [ARGUMENT…]`. Linux counts the memory of the process
that forks as the child's own peak, so the program that starts a contestant must be small: this file
imports next to nothing, and reports its own size as the floor below which a peak says nothing.

The launcher is a subreaper: a process whose parent ended without waiting for it (a process
substitution in bash, say) comes here to be waited for, so its time and memory are counted too.
"""

import ctypes
import os
import sys
import time

PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
EXIT_NOT_STARTED = 127  # what a shell says of a program it can't start


def own_peak_kib() -> int:
    """Return the largest resident size this program has had, in KiB.

    Asked of `VmHWM`: `getrusage` would answer with the size of whoever started the launcher.
    """
    with open("/proc/self/status", encoding="ascii") as status:  # noqa: PTH123 - small imports
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))


def start(command: list[str]) -> int:
    """Fork and become the command in the child; return the child's process id."""
    child = os.fork()
    if child:
        return child
    try:
        os.execvp(command[0], command)  # noqa: S606 - no shell is wanted
    except OSError as error:
        print(f"{command[0]}: {error.strerror}", file=sys.stderr, flush=True)
    os._exit(EXIT_NOT_STARTED)


def wait_for_all(child: int) -> tuple[int, float, float, int]:
    """Wait for every process; return exit status, user s, system s and largest peak in KiB."""
    status, user, system, peak = EXIT_NOT_STARTED, 0.0, 0.0, 0
    while True:
        try:
            process, wait_status, usage = os.wait4(-1, 0)
        except ChildProcessError:
            return status, user, system, peak
        user += usage.ru_utime
        system += usage.ru_stime
        peak = max(peak, usage.ru_maxrss)
        if process == child:
            status = os.waitstatus_to_exitcode(wait_status)


def main(report: str, command: list[str]) -> None:
    """Run the command; write `wall user system peak_kib floor_kib status` into the report."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "can't become a subreaper")
    floor = own_peak_kib()
    began = time.perf_counter()
    status, user, system, peak = wait_for_all(start(command))
    wall = time.perf_counter() - began
    with open(report, "w", encoding="ascii") as file:  # noqa: PTH123 - small imports
        file.write(f"{wall:.6f} {user:.6f} {system:.6f} {peak} {floor} {status}\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
