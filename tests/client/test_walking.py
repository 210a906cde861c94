"""A problem walks from its alarm to its end by the command alone, against a running suite."""

from __future__ import annotations

import asyncio
import json
import shlex
import uuid

import pytest
import yaml
from andon_client.command_line import app
from andon_client.connection import save_connection
from andon_client.suite import Suite
from typer.testing import CliRunner

pytestmark = pytest.mark.timeout(280)

SERIES = "desk/main/rework@day"
# The first day without the fault, and one of the last days.
OVER, LATE = "2026-04-07", "2026-04-15"


@pytest.fixture
def andon(connection, desk, tmp_path):
    """`andon("problem show NAME")` against a desk that has one problem; `code` is how it must end."""
    save_connection(tmp_path, connection)

    async def play():
        async with Suite(connection) as suite:
            await desk.begin_scoring(suite)
            await desk.write(suite, desk.events())
            await desk.settled(suite)

    asyncio.run(play())

    def run(words, code=0, locale="en"):
        done = CliRunner().invoke(app, ["--home", str(tmp_path), "--locale", locale, *shlex.split(words)])
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        assert done.exit_code == code, done.output
        return " ".join((done.stderr if code else done.stdout).split())

    return run


@pytest.fixture
def only(andon):
    """The one problem, as it is now."""

    def read(state):
        found = json.loads(andon("problems --all --json"))
        assert found["state"] == f"PROBLEM_STATE_{state}"
        return found

    return read


def test_a_problem_goes_from_open_to_closed_on_proof(andon, only):
    problem = only("OPEN")
    name, cause = problem["name"], problem["causes"][0]["name"]
    action = f"{name}/actions/1"
    assert f"andon problem acknowledge {name}" in andon(f"problem show {name}")
    assert "open -> acknowledged" in andon(f"problem acknowledge {name}")
    assert "acknowledged -> analysed" in andon(f"problem cause {name} --class process --confirm {cause}")

    planned = andon(f"action plan {name} --title 'Check first' --owner 'team leads'")
    # Team B never did its work over again in phase I: that bounds its share, so the slice has limits of its own.
    assert f"goal: {SERIES}{{team=B}} by -59.5 percentage points" in planned
    assert f"removes {cause}" in planned
    started = andon(f"action start {action} --at {OVER}")
    assert "analysed -> acting" in started
    assert "baseline: 2026-04-02 – 2026-04-06" in started
    assert "acting -> verifying" in andon(f"action complete {action} --at {OVER}")

    refused = andon(f"problem close {name}", code=1)
    for part in ("FAILED_PRECONDITION", "PROOF_MISSING", "verify an action as improved", f"andon problem show {name}"):
        assert part in refused
    assert "请先验证某项措施已见改善" in andon(f"problem close {name}", code=1, locale="zh")

    verified = andon(f"action verify {action}")
    for part in (
        "Improved: the mean, with the weekly season removed, went from",
        "2026-04-07 – 2026-04-21",
        "season:",
        SERIES,
        "● after the action",
        "an action is verified",
    ):
        assert part in verified
    assert "verifying -> closed" in andon(f"problem close {name}")
    assert only("CLOSED")["actions"][0]["verifications"][-1]["verdict"] == "VERDICT_IMPROVED"
    shown = andon(f"problem show {name}", locale="zh")
    for part in ("已关闭", "已验证", "已改善：均值（已扣除", "信号："):
        assert part in shown


def test_what_would_happen_is_said_and_nothing_is_kept(andon, only):
    problem = only("OPEN")
    name, cause, action = problem["name"], problem["causes"][0]["name"], f"{problem['name']}/actions/1"

    def would(words, *parts, locale="en"):
        before = andon(f"problem show {name} --json")
        told = andon(f"{words} --validate-only", locale=locale)
        assert all(part in told for part in parts), told
        assert andon(f"problem show {name} --json") == before

    would(f"problem acknowledge {name}", "open -> acknowledged (dry run, nothing was stored)")
    would(f"problem dismiss {name} --reason fair", "open -> dismissed (dry run")
    would(f"problem cause {name} --class people --title New", "待处理 → 已分析（试运行，未保存）", locale="zh")
    andon(f"problem cause {name} --class process --confirm {cause}")
    would(f"action plan {name} --title 'Check first' --owner leads", "remains analysed", f"goal: {SERIES}")
    andon(f"action plan {name} --title 'Check first' --owner leads")
    would(f"action start {action} --at {OVER}", "analysed -> acting (dry run", "baseline: 2026-04-02 – 2026-04-06")
    would(f"action cancel {action}", "remains analysed", "cancelled")
    andon(f"action start {action} --at {OVER}")
    would(f"action complete {action} --at {OVER}", "acting -> verifying (dry run")
    andon(f"action complete {action} --at {OVER}")
    would(f"action verify {action}", "Improved:", "remains verifying (dry run, nothing was stored)")
    andon(f"action verify {action}")
    would(f"problem close {name}", "verifying -> closed (dry run")


def test_a_problem_that_is_none_is_dismissed_and_only_as_it_was_read(andon, only):
    problem = only("OPEN")
    name = problem["name"]
    andon(f"problem acknowledge {name}")
    refused = andon(f"problem dismiss {name} --reason fair --etag {problem['etag']}", code=1)
    for part in ("ABORTED", "ETAG_STALE", "The resource has changed", f"andon problem show {name}"):
        assert part in refused
    assert "查看当前状态" in andon(
        f"problem dismiss {name} --reason fair --etag {problem['etag']}", code=1, locale="zh"
    )
    etag = only("ACKNOWLEDGED")["etag"]
    assert "acknowledged -> dismissed" in andon(f"problem dismiss {name} --reason 'the fair' --etag {etag}")
    assert only("DISMISSED")["reason"] == "the fair"
    assert "INVALID_TRANSITION" in andon(f"problem acknowledge {name}", code=1)


def test_a_command_that_is_given_again_with_its_request_id_is_done_once(andon, only):
    name, again = only("OPEN")["name"], uuid.uuid4()
    stated = [andon(f"problem cause {name} --class people --title New --request-id {again} --json") for _ in range(2)]
    assert stated[0] == stated[1]
    assert sum(cause["confirmed"] for cause in only("ANALYSED")["causes"]) == 1
    words = f"problem cause {name} --class people --title Other --request-id {again}"
    assert "REQUEST_ID_REUSED" in andon(words, code=1)


def test_a_plan_from_a_document_is_fixed_as_it_stands_and_says_how_much_is_missing(andon, only, tmp_path):
    name = only("OPEN")["name"]
    andon(f"problem cause {name} --class external --title '节日' --evidence calendar", locale="zh")
    plan = {
        "title": {"en": "Wait", "zh": "等候"},
        "owner": "team leads",
        "kind": "preventive",
        "due_time": "2026-05-01",
        "goal": {
            "series": "desk/main/rework@day{team=A}",
            "expected_effect": -0.02,
            "baseline_period": "5d",
            "windows_min": 4,
        },
    }
    document = tmp_path / "plan.yaml"
    document.write_text(
        yaml.safe_dump(plan, allow_unicode=True).replace("'2026-05-01'", "2026-05-01"), encoding="utf-8"
    )
    planned = andon(f"action plan {name} --file {document} --horizon-windows 30")
    for part in (
        "Wait",
        "preventive, team leads, due 2026-05-01",
        "rework@day{team=A} by -2 percentage points",
        "4 windows",
        "horizon 30",
    ):
        assert part in planned
    (action,) = only("ANALYSED")["actions"]
    assert action["title"] == {"en": "Wait", "zh": "等候"}
    assert action["goal"]["baseline_period"] == "432000s"

    andon(f"action start {action['name']} --at {LATE}")
    early = andon(f"action verify {action['name']}", code=1)
    assert "INVALID_TRANSITION" in early
    andon(f"action complete {action['name']} --at {LATE}")
    undecided = andon(f"action verify {action['name']}")
    for part in ("Undecided:", "needed:", "days"):
        assert part in undecided
    told = andon(f"action verify {action['name']} --validate-only", locale="zh")
    for part in ("尚无定论", "尚需：", "天", "待验证"):
        assert part in told
    assert "verifying -> analysed" in andon(f"action cancel {action['name']} --reason 'no budget'")
    assert "no budget" in andon(f"problem show {name}")


def test_an_action_that_changed_nothing_sends_the_problem_back_to_its_causes_with_the_reason(andon, only):
    name = only("OPEN")["name"]
    andon(
        f"problem cause {name} --class resources --title 'Too few desks' --slice team=A --slice room=2 --evidence plan"
    )
    (stated, *_) = only("ANALYSED")["causes"]
    assert (stated["slice"], stated["evidence"]) == ({"team": "A", "room": "2"}, ["plan"])
    words = "--title 'More desks' --owner leads --series 'desk/main/rework@day{team=A}' --effect -0.4 --windows-min 4"
    andon(f"action plan {name} {words} --baseline-period 1w")
    andon(f"action start {name}/actions/1 --at {LATE}")
    andon(f"action complete {name}/actions/1 --at {LATE}")
    told = andon(f"action verify {name}/actions/1")
    assert "No relevant change" in told
    assert "verifying -> analysed" in told
    assert "needed:" not in told
    shown = andon(f"problem show {name}", locale="zh")
    assert f"说明：{name}/actions/1: no change" in shown
    assert "未见效" in shown


def test_a_reader_looks_and_moves_nothing(suite, tenant, andon, only, tmp_path):
    name = only("OPEN")["name"]
    save_connection(tmp_path, suite.connection(tenant, ["reader"]))
    assert f"({name}), open" in andon(f"problem show {name}")
    refused = andon(f"problem acknowledge {name}", code=1)
    assert "PERMISSION_DENIED" in refused
    assert "Your roles do not allow this." in refused


def test_what_is_missing_from_a_plan_is_said_field_by_field(andon, only):
    name = only("OPEN")["name"]
    refused = andon(f"action plan {name} --effect 0.4", code=1)
    for part in ("action.title: is required", "action.owner: is required"):
        assert part in refused
    assert "缺少必填字段" in andon(f"action plan {name}", code=1, locale="zh")
    assert "NOT_FOUND" in andon(f"action start {name}/actions/7", code=1)
    assert "NOT_FOUND" in andon("problem show problems/none", code=1)
    assert "such as problems/p" in andon("problem close nonsense", code=1)
    assert "team is not of the form team=B" in andon(
        f"problem cause {name} --class people --title x --slice team", code=2
    )
    assert "long is no length" in andon(f"action plan {name} --baseline-period long", code=2)
