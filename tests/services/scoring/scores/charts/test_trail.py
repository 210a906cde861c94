"""What is restated is drawn again from a near state, however long the series is, to the bit as from all windows."""

from __future__ import annotations

import random

import pytest

from services.scoring.scores.charts.chart_state import START, Collecting, ControlChartState
from services.scoring.scores.charts.points import SeriesEnd
from services.scoring.scores.charts.trail import AGE_MAX, ChartMove, Trail, before, thinned
from services.scoring.scores.statistics import PartChange
from services.scoring.system.model import Window
from services.scoring.system.windows import EARLIEST_US, LATEST_US
from tests.services.scoring.scores.scored_system import ScoredSystem
from tests.services.scoring.scores.test_decision import SERIES, WEEK_US, change, make_system

HOUR_US = 3_600_000_000


def through(hour: int) -> ControlChartState:
    return ControlChartState(SeriesEnd(hour * HOUR_US, hour * HOUR_US), Collecting())


@pytest.mark.parametrize("gap", [1, 7])
def test_a_trail_is_short_and_has_a_state_no_further_back_than_twice_the_distance(gap: int) -> None:
    trail: Trail = ()
    for hour in range(0, 4_000 * gap, gap):
        trail = ChartMove(LATEST_US, (through(hour),)).of(trail, Window.HOUR)
        assert len(trail) <= 24
    last = trail[-1].end.through_us
    for distance in range(gap, AGE_MAX // 2):
        nearest = before(trail, last - distance * HOUR_US)[-1]
        assert last - nearest.end.through_us <= max(4 * gap, 2 * distance + 2 * gap) * HOUR_US


def test_a_move_drops_the_states_that_have_taken_in_what_changed() -> None:
    trail = tuple(map(through, range(4)))
    assert ChartMove(HOUR_US, (through(4),)).of(trail, Window.HOUR) == (*map(through, range(2)), through(4))
    assert ChartMove(EARLIEST_US, ()).of(trail, Window.HOUR) == ()
    assert thinned((START,), Window.HOUR) == (START,)


def steps(seed: int, weeks: int) -> list[tuple[int, PartChange]]:
    dice = random.Random(seed)
    said = [(week, change(week, 2 + week % 3 if week % 60 != 50 else 30, 50)) for week in range(weeks)]
    late = [(week, change(week - back, dice.randint(0, 40), 50)) for week in range(40, weeks) for back in (1, 5, 19)]
    return said + [one for one in late if dice.random() < 0.15]


def test_late_windows_near_and_far_leave_the_chart_that_all_windows_give() -> None:
    weeks, scored, at_once = 160, ScoredSystem(make_system()), ScoredSystem(make_system())
    final = {}
    for week, said in sorted(steps(3, weeks), key=lambda one: one[0]):
        scored.step({0: [said]}, (week + 1) * WEEK_US)
        final[said.window] = said
        if week % 50 == 49:
            scored.restart()
    at_once.step({0: list(final.values())}, weeks * WEEK_US)
    assert scored.content_hash() == at_once.content_hash()
    assert len(scored.signals) > 5
    trail = scored.book.trail(SERIES)
    assert trail is not None
    assert trail[-1] == at_once.book.charts[SERIES][-1]
