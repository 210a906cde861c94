"""A proof in the terminal: the verdict, what it rests on, what is missing, before and after."""

from __future__ import annotations

from datetime import timedelta

import pytest
from andon.common.v1.interval_pb2 import Interval
from andon.improvement.v1 import problem_pb2
from andon.scoring.v1.score_pb2 import Score
from andon_client.commands import proof as module
from andon_client.commands.proof import missing, proof_windows, show_proof
from andon_client.moments import timestamp
from andon_client.presentation.notation import Notation
from rich.console import Console

BARE = Notation()
SERIES = "desk/main/rework@day{team=B}"


@pytest.fixture
def stretch(day):
    return lambda first, end: Interval(start=timestamp(day(first)), end=timestamp(day(end)))


@pytest.fixture
def proof(stretch):
    """Of 5 days before against 9 after, undecided."""
    made = problem_pb2.Verification(
        verdict=problem_pb2.VERDICT_UNDECIDED, effect=-0.2, lower=-0.45, upper=0.05, p_value=0.061, confidence=0.95
    )
    made.before_mean, made.after_mean, made.before_windows, made.after_windows = 0.5, 0.3, 5, 9
    made.outlook.windows, made.outlook.verdict = 12, problem_pb2.VERDICT_IMPROVED
    made.before_interval.CopyFrom(stretch(31, 36))
    made.after_interval.CopyFrom(stretch(36, 45))
    made.statement.en, made.statement.zh = "Undecided: [the mean] went down.", "尚无定论：均值下降。"
    made.checks.add(name="season", passed=True).meaning.en = "taken [out]"
    made.checks.add(name="baseline_size").meaning.en = "12 windows"
    return made


@pytest.fixture
def action(stretch):
    made = problem_pb2.Action(name="problems/p/actions/1", state=problem_pb2.ACTION_STATE_DONE)
    made.title.en, made.title.zh = "Check first", "先检查"
    made.goal.series, made.goal.expected_effect, made.goal.horizon_windows = SERIES, -0.4, 60
    made.plan.baseline_intervals.append(stretch(30, 31))
    made.plan.baseline_intervals.append(stretch(32, 36))
    return made


def score(number, day, value=0.3, **fields):
    interval = Interval(start=timestamp(day(number)), end=timestamp(day(number + 1)))
    return Score(series=SERIES, interval=interval, **({"value": value, "complete": True} | fields))


@pytest.fixture
def shown(monkeypatch, capsys, action, proof):
    def show(windows=(), locale="en", notation=BARE):
        monkeypatch.setattr(module, "screen", Console(width=120, color_system=None, force_terminal=False))
        show_proof(action, proof, windows, locale, notation)
        return capsys.readouterr().out

    return show


def test_the_verdict_comes_with_its_figures_what_it_rests_on_and_what_is_missing(shown):
    text = shown()
    for line in (
        "action problems/p/actions/1: Check first, done",
        "Undecided: [the mean] went down.",
        "  effect -0.2, interval -0.45 to +0.05, p = 0.061 (valid at every look)",
        "  baseline: 0.5 over 5 windows, 2026-04-02 – 2026-04-06",
        "  after: 0.3 over 9 windows, 2026-04-07 – 2026-04-15",
        "  season: passed, taken [out]",
        "  baseline_size: check, 12 windows",
        "  needed: about 12 more days; at the current effect the verdict will be: improved",
    ):
        assert line in text.splitlines()


def test_effect_and_means_of_a_share_are_in_per_cent_and_others_in_their_unit(shown, day):
    series = SERIES.partition("@")[0]
    share = shown([score(31, day), score(37, day)], notation=Notation({}, {series: ("", True)}))
    for line in (
        "  effect -20 percentage points, interval -45 to +5 percentage points, p = 0.061 (valid at every look)",
        "  baseline: 50 % over 5 windows, 2026-04-02 – 2026-04-06",
        f"{SERIES} (%)",
        "30.0┤",
    ):
        assert line in share
    hours = shown(locale="zh", notation=Notation({}, {series: ("h", False)}))
    assert "效果 -0.2 小时，区间 -0.45 至 +0.05 小时" in hours


def test_it_speaks_chinese_to_who_reads_it(shown):
    text = shown(locale="zh")
    for part in (
        "先检查，已完成",
        "尚无定论：均值下降。",
        "效果 -0.2，区间 -0.45 至 +0.05",
        "尚需：约 12 天；",
        "已改善",
    ):
        assert part in text


def test_one_window_is_one(action, proof):
    proof.outlook.windows = 1
    assert "about 1 more day;" in missing(action, proof, "en")


def test_what_is_decided_misses_nothing(shown, proof):
    proof.verdict = problem_pb2.VERDICT_IMPROVED
    proof.ClearField("outlook")
    assert "needed" not in shown()


def test_what_the_plan_can_not_decide_is_said(action, proof):
    proof.outlook.CopyFrom(problem_pb2.Outlook(windows=51))
    assert "more than the 51 days left of the horizon of 60" in missing(action, proof, "en")
    assert "所需多于计划 60 天中剩余的 51 个" in missing(action, proof, "zh")
    proof.outlook.windows = 0
    assert "the horizon of 60 days passed without a verdict" in missing(action, proof, "en")
    action.goal.series = "desk/main/rework@fortnight"
    assert "the horizon of 60 windows passed" in missing(action, proof, "en")


def test_the_windows_that_are_compared_are_marked_with_their_means(shown, day):
    windows = [score(number, day, 0.5 if number < 36 else 0.3) for number in range(26, 45)]
    text = shown(windows)
    assert SERIES in text
    assert "· baseline mean, mean after the action   ○ baseline   ● after the action" in text
    body = text[: text.index("· baseline mean")]
    # Day 31 opened the problem and is left out.
    assert (body.count("○"), body.count("●")) == (5, 9)
    assert "2026-03-28" in text


async def test_the_windows_come_with_what_was_usual_before_them_without_what_is_not_complete(proof, day):
    asked = []

    class Scoring:
        async def ListScores(self, request):
            asked.append(request)
            scores = [
                score(44, day),
                score(31, day),
                score(45, day, complete=False),
                Score(series=SERIES, complete=True),
            ]
            return type("Page", (), {"scores": scores, "next_page_token": ""})

    suite = type("Suite", (), {"scoring": Scoring()})
    found = await proof_windows(suite, SERIES, proof)
    assert [one.interval.start for one in found] == [timestamp(day(31)), timestamp(day(44))]
    assert list(asked[0].filter.series) == [SERIES]
    assert asked[0].interval == Interval(start=timestamp(day(31) - timedelta(days=7)), end=timestamp(day(45)))
