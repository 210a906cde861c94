"""Tables are data: every column has a name in both languages, and every row a cell for each of them."""

from __future__ import annotations

from datetime import UTC
from functools import partial
from zoneinfo import ZoneInfo

import pytest
from andon.common.v1.interval_pb2 import Interval
from andon.improvement.v1.problem_pb2 import Problem
from andon.ingest.v1.event_pb2 import Event
from andon.ingest.v1.ingest_pb2 import GetIntakeCountsResponse
from andon.ingest.v1.quarantine_pb2 import GetQuarantineCountsResponse, QuarantinedEvent
from andon.scoring.v1.indicator_system_pb2 import IndicatorSystem
from andon.scoring.v1.score_pb2 import SCORE_STATE_MISSED, Baseline, Score, Signal
from andon.scoring.v1.scoring_pb2 import GetScorecardResponse, LintFinding, ScorecardNode
from andon_client.listing import largest
from andon_client.presentation import tables
from andon_client.presentation.notation import Notation
from google.protobuf.timestamp_pb2 import Timestamp

CARD = GetScorecardResponse(nodes=[ScorecardNode(name="a"), ScorecardNode(name="b", parent="a", is_indicator=True)])
TABLES = [
    (partial(tables.scores_table, notation=Notation()), Score()),
    (partial(tables.signals_table, notation=Notation()), Signal()),
    (partial(tables.problems_table, notation=Notation()), Problem()),
    (partial(tables.problems_table, notation=Notation(), with_step=True), Problem(allowed_transitions=["ACKNOWLEDGE"])),
    (lambda cards, locale: tables.scorecard_table(cards[0], (), locale, UTC), CARD),
    (tables.intake_table, GetIntakeCountsResponse.Count(source="desk")),
    (tables.events_table, Event()),
    (tables.quarantine_table, QuarantinedEvent()),
    (tables.quarantine_counts_table, GetQuarantineCountsResponse.Count()),
    (tables.systems_table, IndicatorSystem()),
    (tables.findings_table, LintFinding()),
]


@pytest.mark.parametrize(("table", "message"), TABLES)
@pytest.mark.parametrize("locale", ["en", "zh-CN"])
def test_every_column_is_named_and_every_row_fills_them(table, message, locale):
    made = table([message, message], locale)
    assert all(column.title for column in made.columns)
    assert [len(row) for row in made.rows] == [len(made.columns)] * 2
    assert len({column.title for column in made.columns}) == len(made.columns)


@pytest.mark.parametrize(("table", "message"), TABLES)
def test_titles_and_columns_differ_between_the_languages(table, message):
    english, chinese = table([message], "en"), table([message], "zh")
    assert english.title != chinese.title
    assert not {column.title for column in english.columns} & {column.title for column in chinese.columns}


def test_a_missed_target_and_a_provisional_score_are_said_in_words():
    (row,) = tables.scores_table([Score(state=SCORE_STATE_MISSED, complete=False)], "en", Notation()).rows
    assert [(cell.text, cell.tone) for cell in row[5:7]] == [("missed", "bad"), ("provisional", "")]


def test_a_retracted_signal_says_why():
    (row,) = tables.signals_table(
        [Signal(state=Signal.STATE_RETRACTED, reason="correction", adverse=True)], "en", Notation()
    ).rows
    assert [cell.text for cell in row[-2:]] == ["worse", "retracted: correction"]


async def test_the_newest_come_first_and_no_more_than_asked_for():
    async def signals():
        for second in (3, 1, 4, 1, 5, 9, 2, 6):
            yield Signal(name=str(second), interval=Interval(end=Timestamp(seconds=second)))

    found = await largest(signals(), 3, lambda signal: signal.interval.end.seconds)
    assert [signal.name for signal in found] == ["9", "6", "5"]


async def test_equals_keep_their_order():
    async def pairs():
        for pair in ((1, "a"), (2, "b"), (1, "c"), (2, "d")):
            yield pair

    assert await largest(pairs(), 4, lambda pair: pair[0]) == [(2, "b"), (2, "d"), (1, "a"), (1, "c")]


def test_a_signal_of_a_blind_chart_with_a_bound_for_a_centre_shows_both():
    signal = Signal(centre=0.004)
    signal.baseline.centre_bound = Baseline.CENTRE_BOUND_AT_LEAST
    signal.baseline.calibration.detection.within_windows = 10
    (row,) = tables.signals_table([signal], "en", Notation()).rows
    cells = {cell.text: cell.tone for cell in row}
    assert "≥ 0.004" in cells
    assert cells["> 100"] == "bad"


def test_cases_without_a_value_are_said_next_to_those_with_one():
    rows = tables.scores_table([Score(count=1329), Score(count=391, unobserved_count=938)], "en", Notation()).rows
    assert [row[3].text for row in rows] == ["1,329", "391 of 1,329"]
    assert tables.cases_text(Score(count=391, unobserved_count=938), "zh") == "391（共 1,329）"


def test_each_row_has_the_clock_of_its_system_and_the_title_says_which():
    notation = Notation({"desk/main": ZoneInfo("Europe/Berlin"), "bank/main": ZoneInfo("America/New_York")})
    scores = [Score(series="desk/main/late@day"), Score(series="bank/main/late@day{branch=a/b}")]
    for score, hour in zip(scores, (22, 4), strict=True):
        score.interval.start.FromJsonString(f"2026-07-{28 if hour == 22 else 29}T{hour:02}:00:00Z")
    table = tables.scores_table(scores, "en", notation)
    assert [row[1].text for row in table.rows] == ["2026-07-29", "2026-07-29"]
    assert table.title == "Scores (times in Europe/Berlin, America/New_York)"
    assert notation.only_zone is UTC
    assert tables.scores_table([], "en", notation).title == "Scores"


def test_values_of_scores_and_signals_have_the_unit_of_their_indicator():
    notation = Notation({}, {"desk/main/late": ("", True), "desk/main/lead": ("h", False)})
    late, lead = "desk/main/late@day", "desk/main/lead@week{team=B}"
    scores = tables.scores_table([Score(series=late, value=0.25), Score(series=lead, value=1.75)], "en", notation).rows
    assert [row[2].text for row in scores] == ["25 %", "1.75 h"]
    signal = Signal(series=lead, value=9.5, centre=2.0, lower=0.0, upper=4.0)
    (row,) = tables.signals_table([signal], "zh", notation).rows
    assert [cell.text for cell in row[3:5]] == ["9.5 小时", "2 小时"]
    assert row[5].text.count("小时") == 2
