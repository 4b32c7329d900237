"""What is tried again, how often, and after how long; and what ends the waiting."""

import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, formatdate

import pytest

from fastlayer.registry.cancel import Cancel, CancelledError
from fastlayer.registry.retry import Retrying, Tries


def pauses(retrying: Retrying, count: int) -> list[float]:
    return [retrying.pause(failed) for failed in range(1, count + 1)]


def test_pauses_grow_up_to_a_limit() -> None:
    """Each is twice the one before, without chance."""
    retrying = Retrying(first=0.5, longest=3.0, chance=lambda: 0.0)
    assert pauses(retrying, 5) == [0.5, 1.0, 2.0, 3.0, 3.0]


def test_chance_takes_at_most_half() -> None:
    """Clients that failed together do not come back together."""
    retrying = Retrying(first=1.0, chance=lambda: 1.0)
    assert pauses(retrying, 2) == [0.5, 1.0]
    assert all(0.5 <= Retrying(first=1.0).pause(1) <= 1.0 for _ in range(100))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0", 0), ("3", 3), (" 59 ", 59), ("60", 60), ("61", 60), ("9" * 100, 60)],
)
def test_what_the_server_says_counts(text: str, seconds: float) -> None:
    """Seconds, up to a minute."""
    assert Retrying(chance=lambda: 0.0).pause(1, text) == seconds
    assert Retrying(chance=lambda: 1.0).pause(1, text) == pytest.approx(seconds * 1.1)


def test_the_server_may_say_a_date() -> None:
    """The time until then counts, up to a minute, and none that is over."""
    retrying = Retrying(chance=lambda: 0.0)
    assert retrying.pause(1, formatdate(time.time() + 30, usegmt=True)) == pytest.approx(30, abs=2)
    assert retrying.pause(1, formatdate(time.time() - 30, usegmt=True)) == 0
    later = datetime.now(UTC) + timedelta(days=9)
    assert retrying.pause(1, format_datetime(later, usegmt=True)) == 60


@pytest.mark.parametrize("text", ["", "soon", "-1", "1.5", "²", "Mon, 99 Foo 0000 00:00:00 GMT"])
def test_what_is_neither_does_not_count(text: str) -> None:
    """The pause is as if nothing was said."""
    assert Retrying(first=2.0, chance=lambda: 0.0).pause(1, text) == 2.0


def test_tries_are_counted() -> None:
    """The last failure is not waited after, and the message says how often it was tried."""
    waited: list[float] = []
    tries = Tries(Retrying(attempts=3, first=1.0, chance=lambda: 0, sleep=waited.append), Cancel())
    assert str(tries) == ""
    assert [tries.again(), tries.again("7"), tries.again()] == [True, True, False]
    assert waited == [1.0, 7.0]
    assert str(tries) == " (3 tries)"
    tries.succeeded()
    assert tries.again()
    assert waited[2:] == [1.0]


def test_waiting_ends_with_what_it_is_for() -> None:
    """Nobody sits out a minute when the work has been cancelled."""
    cancel = Cancel()
    tries = Tries(Retrying(first=60.0), cancel)
    threading.Timer(0.01, cancel.set).start()
    with pytest.raises(CancelledError):
        tries.again()


def test_a_flag_calls_what_waits_elsewhere() -> None:
    """Only as long as that waits, and at once not at all."""
    cancel = Cancel()
    called: list[str] = []
    with cancel.calling(lambda: called.append("over")):
        pass
    with cancel.calling(lambda: called.append("now")):
        cancel.set()
    assert called == ["now"]
    assert cancel.is_set
    with pytest.raises(CancelledError), cancel.calling(lambda: called.append("late")):
        pytest.fail("it was too late")
    assert called == ["now"]


def test_nothing_is_waited_for_after_the_end() -> None:
    """A flag that is set ends every wait at once."""
    cancel = Cancel()
    cancel.check()
    cancel.wait(0)
    cancel.set()
    with pytest.raises(CancelledError):
        cancel.check()
    with pytest.raises(CancelledError):
        cancel.wait(60)
