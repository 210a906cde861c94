"""A problem in the terminal."""

from __future__ import annotations

import io

import pytest
from andon.improvement.v1 import improvement_pb2, problem_pb2
from andon_client.commands.problem_tree import add_events, add_signals, problem_tree
from andon_client.moments import timestamp
from andon_client.presentation.notation import Notation
from andon_client.presentation.tables import cause_text
from rich.console import Console


@pytest.fixture
def problem(day):
    made = problem_pb2.Problem(name="problems/p", process="desk", system="main", indicator="rework", severity=5.25)
    made.title.en, made.state = "Rework [B]", problem_pb2.PROBLEM_STATE_ANALYSED
    made.reason = "problems/p/actions/1: worse, +0.2 (+0.1 to +0.3)"
    made.interval.start.CopyFrom(timestamp(day(30)))
    made.interval.end.CopyFrom(timestamp(day(36)))
    made.causes.add(name="problems/p/causes/1", confirmed=True, evidence=["rota"]).title.zh = "缺少检查表"
    made.causes[0].cause_class = problem_pb2.CAUSE_CLASS_PROCESS
    made.causes.add(name="problems/p/causes/2", parent="problems/p/causes/1", contribution=0.25).title.en = "team [B]"
    action = made.actions.add(name="problems/p/actions/1", state=problem_pb2.ACTION_STATE_FAILED, overdue=True)
    action.kind, action.owner, action.title.en = problem_pb2.ACTION_KIND_CORRECTIVE, "team leads", "Check first"
    action.due_time.CopyFrom(timestamp(day(60)))
    action.goal.series, action.goal.expected_effect = "desk/main/rework@day", -0.4
    action.goal.confidence, action.goal.windows_min, action.goal.horizon_windows = 0.95, 8, 60
    proof = action.verifications.add()
    proof.statement.en, proof.statement.zh = "Worse: the mean went up.", "变差：均值上升。"
    proof.checks.add(name="season", passed=True).meaning.en = "taken out"
    proof.checks.add(name="preregistered").meaning.en = "could already be seen"
    return made


def test_each_cause_is_drawn_below_the_one_it_explains_whatever_the_order(problem):
    problem.causes.insert(0, problem_pb2.Cause(name="problems/p/causes/3", parent="problems/p/causes/2"))
    problem.causes[0].state = problem_pb2.CAUSE_STATE_REFUTED
    problem.causes.add(name="problems/p/causes/4", parent="problems/p/causes/gone")
    lines = drawn(problem_tree(problem, "en", Notation())).splitlines()
    depth = {
        number: next(line.index(f"causes/{number}") for line in lines if f"causes/{number}:" in line)
        for number in "1234"
    }
    assert depth["4"] == depth["1"] < depth["2"] < depth["3"]
    assert any("refuted" in line for line in lines)


def drawn(tree) -> str:
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(tree)
    return console.export_text()


def test_a_problem_shows_where_it_is_what_was_done_and_what_the_proof_rests_on(problem):
    text = drawn(problem_tree(problem, "en", Notation()))
    for part in (
        "Rework [B] (problems/p), analysed",
        "desk/main, rework, 2026-04-01 – 2026-04-06",
        "severity 5.2 sigma",
        "reason: problems/p/actions/1: worse, +0.2 (+0.1 to +0.3)",
        "problems/p/causes/1: 缺少检查表, process, confirmed",
        "evidence: rota",
        "problems/p/causes/2: team [B] (25%), parent cause problems/p/causes/1",
        "action problems/p/actions/1: Check first, failed, overdue",
        "corrective, team leads, due 2026-05-01 (UTC)",
        "goal: desk/main/rework@day by -0.4",
        "confidence 0.95 per bound, at least 8 windows after it, horizon 60 windows",
        "Worse: the mean went up.",
        "season: passed, taken out",
        "preregistered: check, could already be seen",
    ):
        assert part in text


def test_it_speaks_chinese_to_who_reads_it(problem):
    text = drawn(problem_tree(problem, "zh", Notation()))
    for part in (
        "已分析",
        "变差：均值上升。",
        "措施 problems/p/actions/1",
        "未见效",
        "已逾期",
        "流程, 已确认",
        "目标：",
    ):
        assert part in text


def test_the_plan_of_the_proof_stands_with_the_action_once_it_is_fixed(problem, day):
    plan = problem.actions[0].plan
    plan.spread_end_time.CopyFrom(timestamp(day(30)))
    plan.fixed_time.CopyFrom(timestamp(day(36)))
    assert "baseline: none, no window precedes the action" in drawn(problem_tree(problem, "en", Notation()))
    for first, last in ((30, 31), (32, 36)):
        plan.baseline_intervals.add(start=timestamp(day(first)), end=timestamp(day(last)))
    text = drawn(problem_tree(problem, "en", Notation()))
    assert "baseline: 2026-04-01, 2026-04-03 – 2026-04-06" in text
    assert "until 2026-04-01; plan fixed at 2026-04-07 00:00" in text


def test_where_a_merged_problem_went_is_said(problem):
    problem.merged_into = "problems/q"
    assert "merged into problems/q" in drawn(problem_tree(problem, "en", Notation()))


def test_a_cause_that_a_person_stated_has_no_share_of_the_change(problem):
    stated, found = problem.causes
    assert cause_text(stated, "en") == "缺少检查表"
    assert cause_text(found, "en") == "team [B] (25%)"


def test_signals_beyond_the_limit_are_counted(problem, day):
    for number in range(5):
        signal = problem.signals.add(
            series="desk/main/rework@day", rule="WE1", value=0.6, centre=0.1, symptom=number == 1
        )
        signal.interval.start.CopyFrom(timestamp(day(30 + number)))
    tree = problem_tree(problem, "en", Notation())
    add_signals(tree, problem.signals, "en", 2, Notation())
    text = drawn(tree)
    assert "signals: 5" in text
    assert "2026-04-01  desk/main/rework@day  WE1: 0.6 against 0.1\n" in text
    assert "2026-04-02  desk/main/rework@day  WE1: 0.6 against 0.1 (symptom)" in text
    assert "2026-04-03" not in text
    assert "... 3 more" in text


def test_signals_are_said_in_the_unit_of_their_indicator(problem, day):
    for indicator in ("rework", "lead_time", "unknown"):
        signal = problem.signals.add(series=f"desk/main/{indicator}@day{{team=B}}", rule="WE1", value=0.6, centre=0.1)
        signal.interval.start.CopyFrom(timestamp(day(30)))
    notation = Notation({}, {"desk/main/rework": ("", True), "desk/main/lead_time": ("h", False)})
    tree = problem_tree(problem, "en", Notation())
    add_signals(tree, problem.signals, "en", 9, notation)
    assert [line.partition("WE1: ")[2] for line in drawn(tree).splitlines() if "WE1" in line] == [
        "60 % against 10 %",
        "0.6 h against 0.1 h",
        "0.6 against 0.1",
    ]


def test_the_events_below_a_signal_are_named(problem):
    link = improvement_pb2.ExplainProblemResponse.Link(
        signal="signals/s", series="desk/main/rework@day", case_count=1234, event_ids=["e[1]", "e2"]
    )
    tree = problem_tree(problem, "en", Notation())
    add_events(tree, [link], "en", Notation())
    text = drawn(tree)
    assert "signal signals/s: desk/main/rework@day in all time = 0" in text
    assert "1,234 cases" in text
    assert "e[1], e2" in text
