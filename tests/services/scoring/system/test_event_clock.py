"""Windows are complete when the slowest source has passed them, or has been silent for too long; never by chance."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from services.scoring.system.event_clock import EventClock
from services.scoring.system.model import DAY_US, HOUR_US, Aggregate, Indicator, SystemSpec, Window

NOON = 1_000_000
IDLE = 3_600
ALL = ("desk", "shop", "web")


def test_a_source_that_lags_holds_the_watermark() -> None:
    clock = EventClock(("desk", "shop"), IDLE)
    clock.after({"desk": NOON, "shop": NOON - 1_200}, NOON)
    assert clock.after({"desk": NOON + 60}, NOON + 60) == NOON - 1_200
    assert clock.after({"shop": NOON + 30}, NOON + 61) == NOON + 30


def test_a_source_that_runs_ahead_completes_nothing_for_the_others_nor_before_the_clock() -> None:
    clock = EventClock(("desk", "shop"), IDLE)
    assert clock.after({"desk": NOON - 5, "shop": NOON + 72_000}, NOON) == NOON - 5
    assert clock.after({"desk": NOON + 500}, NOON + 1) == NOON + 1


def test_of_three_sources_one_that_is_silent_for_good_holds_each_window_for_the_timeout_and_no_longer() -> None:
    clock = EventClock(ALL, IDLE)
    clock.after({"desk": NOON, "shop": NOON, "web": NOON - 50}, NOON)
    for later in range(0, 100_000, 500):
        now = NOON + later
        assert clock.after({"desk": now, "shop": now - 7}, now) == max(NOON - 50, now - IDLE)


def test_a_named_source_that_was_never_heard_of_is_waited_for_no_longer_either() -> None:
    clock = EventClock(("desk", "shop"), IDLE)
    assert clock.after({"desk": NOON}, NOON) == NOON - IDLE
    assert clock.after({}, NOON + IDLE + 1) == NOON


def test_where_every_source_has_ended_the_log_ends() -> None:
    clock = EventClock(("desk", "shop"), IDLE)
    clock.after({"desk": NOON, "shop": NOON - 86_400_000}, NOON + 10**12)
    assert clock.after({}, NOON + 10**13) == NOON


def test_sources_of_other_systems_move_nothing_and_one_source_alone_waits_for_nobody() -> None:
    clock = EventClock(("desk",), IDLE)
    assert clock.after({"shop": NOON}, NOON) is None
    assert clock.after({"desk": NOON - 3, "shop": NOON}, NOON) == NOON - 3
    assert EventClock((), IDLE).after({"desk": NOON - 3}, NOON) == NOON - 3
    # None are named: all of the log feed it.
    assert EventClock((), IDLE).after({"desk": NOON - 3, "shop": NOON - 9}, NOON) == NOON - 9


def test_without_a_timeout_nobody_is_waited_for() -> None:
    assert EventClock(("desk", "shop"), 0).after({"desk": NOON - 3, "shop": NOON - 900}, NOON) == NOON - 3


said = st.lists(st.tuples(st.sampled_from(ALL), st.integers(NOON - 9_000, NOON + 9_000)), min_size=1, max_size=12)


@given(said, st.data(), st.integers(0, 9_000), st.integers(NOON - 5_000, NOON + 20_000))
def test_order_and_batches_make_no_difference_and_nothing_moves_it_back(
    events: list[tuple[str, int]], data: st.DataObject, idle: int, now: int
) -> None:
    whole: dict[str, int] = {}
    for source, us in events:
        whole[source] = max(us, whole.get(source, us))
    expected = EventClock(ALL, idle).after(whole, now)
    clock, seen = EventClock(ALL, idle), [-(2**62)]
    shuffled = data.draw(st.permutations(events))
    for place, (source, us) in enumerate(shuffled):
        # Time passes meanwhile.
        watermark = clock.after({source: us}, now - (len(events) - 1 - place))
        assert watermark is not None
        seen.append(watermark)
    assert seen[-1] == expected
    assert all(before <= after for before, after in pairwise(seen))
    # A reader that begins later has every source in its first response.
    assert EventClock(ALL, idle).after(whole, now) == clock.after({}, now)


def test_unless_it_is_said_a_source_is_waited_for_as_long_as_the_windows_suggest() -> None:
    daily = Indicator("a", "m", Aggregate.SUM, windows=(Window.DAY, Window.MONTH))
    hourly = Indicator("b", "m", Aggregate.SUM, windows=(Window.DAY, Window.HOUR))
    assert SystemSpec(indicators=(daily,)).idle_us == DAY_US
    assert SystemSpec(indicators=(daily, hourly)).idle_us == HOUR_US
    assert SystemSpec(indicators=(hourly,), source_idle_timeout_us=0).idle_us == 0
