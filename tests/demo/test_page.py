"""The report is one file that needs nothing else, in either language, whatever the texts hold."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest
from andon.improvement.v1.problem_pb2 import Problem
from andon.ingest.v1.ingest_pb2 import GetIntakeCountsResponse
from andon.scoring.v1.score_pb2 import SCORE_STATE_MET
from andon.scoring.v1.scoring_pb2 import GetScorecardResponse, ScorecardNode
from andon_client.presentation.notation import Notation
from andon_client.presentation.tables import (
    Table,
    TableCell,
    TableColumn,
    intake_table,
    problems_table,
    scorecard_table,
)
from rich.console import Console

from demo import page, terminal
from demo.report import Report
from demo.report_texts import texts

Count = GetIntakeCountsResponse.Count
NASTY = '</script><script>alert(1)</script> & <b>"quotes"</b>'


def report(language="en", title="Wait"):
    node = ScorecardNode(name="overall", weight_total=1.0)
    node.score.points_low, node.score.points_high = 40, 60
    leaf = ScorecardNode(name="wait", parent="overall", is_indicator=True, unit="h", target=2.0, weight_total=1.0)
    leaf.title.en = leaf.title.zh = title
    leaf.score.value, leaf.score.points, leaf.score.count, leaf.score.state = 1.0, 87.5, 1234, SCORE_STATE_MET
    problem = Problem(name="problems/1", process="desk", system="main", allowed_transitions=["ACKNOWLEDGE"])
    problem.title.en = problem.title.zh = title
    spec = {"$schema": "https://vega.github.io/schema/vega-lite/v5.json", "mark": "point", "title": title}
    columns = [TableColumn("Fault"), TableColumn("Delay", numeric=True)]
    return Report(
        language=language,
        lead=title,
        intake=intake_table([Count(source="desk", received=3_000, accepted=2_000, duplicate=1_000)], language),
        scorecards=[scorecard_table(GetScorecardResponse(nodes=[node, leaf]), (), language, UTC)],
        faults=Table("Injected faults", columns, [[TableCell(title), TableCell("missed", "bad")]]),
        false_alarms="none",
        problems=problems_table([problem], language, Notation(), with_step=True),
        charts=[],
        chart_specs=[spec],
        unjudged=[("phase I is not complete: 3 of 20 windows", "desk/main/wait@day")],
        pareto_spec=spec,
    )


@pytest.fixture
def written(tmp_path):
    def write(language="en", title="Wait"):
        path = tmp_path / "report.html"
        page.write(path, report(language, title), texts(language), datetime(2026, 4, 1, 12, 30, tzinfo=UTC))
        assert [file.name for file in tmp_path.iterdir()] == ["report.html"]
        return path.read_text(encoding="utf-8")

    return write


class Fetches(HTMLParser):
    """What a browser would fetch or open, and the scripts and texts of a page."""

    def __init__(self):
        super().__init__()
        self.fetched, self.scripts, self.texts, self._tags = [], [], [], []

    def handle_starttag(self, tag, attrs):
        if tag not in ("meta", "br", "link", "img"):
            self._tags.append(tag)
        if tag == "script":
            self.scripts.append("")
        self.fetched += [value for name, value in attrs if name in ("src", "href", "action", "data", "poster")]

    def handle_endtag(self, tag):
        assert self._tags.pop() == tag

    def handle_data(self, data):
        if self._tags and self._tags[-1] == "script":
            self.scripts[-1] += data
        elif data.strip():
            self.texts.append(data.strip())


def read(html):
    found = Fetches()
    found.feed(html)
    return found


def test_the_page_fetches_nothing(written):
    html = written()
    assert read(html).fetched == []
    outside_of_scripts = re.sub(r"<script>.*?</script>", "", html, flags=re.DOTALL)
    assert "@import" not in outside_of_scripts
    assert "url(" not in outside_of_scripts


def test_the_page_carries_the_charts_and_what_draws_them(written):
    bundle, specs = read(written()).scripts
    assert "vegaEmbed" in bundle
    assert len(bundle) > 100_000
    drawn = json.loads(re.search(r"const specs = (\[.*?\]);\n", specs)[1])
    assert [spec["mark"] for spec in drawn] == ["point", "point"]


def test_there_is_a_place_for_every_chart(written):
    assert re.findall(r'id="(c\d)"', written()) == ["c0", "c1"]


def test_a_text_from_outside_stays_a_text(written):
    found = read(written(title=NASTY))
    assert len(found.scripts) == 2
    assert "alert(1)" not in found.scripts[0]
    assert NASTY in found.texts
    drawn = json.loads(re.search(r"const specs = (\[.*?\]);\n", found.scripts[1])[1])
    assert drawn[0]["title"] == NASTY


@pytest.mark.parametrize(("language", "title"), [("en", "Service quality report"), ("zh", "服务质量报告")])
def test_the_page_speaks_the_language_asked_for(written, language, title):
    html = written(language)
    assert f'<html lang="{language}">' in html
    assert title in read(html).texts


def test_the_page_says_when_it_was_made(written):
    assert "2026-04-01 12:30 UTC" in read(written()).texts


@pytest.mark.parametrize(("language", "heading"), [("en", "Charts without limits"), ("zh", "暂无控制限的控制图")])
def test_a_chart_without_limits_is_listed_with_what_it_waits_for(written, language, heading):
    texts = read(written(language)).texts
    assert heading in texts
    assert "phase I is not complete: 3 of 20 windows" in texts
    assert "desk/main/wait@day" in texts


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ["Scorecard, all time", "1 h", "40 to 60", "87.5"]),
        ("zh", ["记分卡，全部时间", "1 小时", "达标", "数据接收"]),
    ],
)
def test_terminal_and_page_show_the_same_tables_of_the_client(written, language, words):
    console = Console(width=220, force_terminal=False, color_system=None)
    with console.capture() as capture:
        terminal.show(report(language), texts(language), console)
    shown = capture.get()
    cells = read(written(language)).texts
    made = report(language)
    for table in (*made.scorecards, made.faults, made.problems, made.intake):
        for text in (table.title, *(column.title for column in table.columns)):
            assert text in shown
            assert text in cells
        for cell in (cell for row in table.rows for cell in row if cell.text):
            assert cell.text in shown
            assert cell.text in cells
            assert not cell.command or (cell.command in shown and cell.command in cells)
    assert all(word in shown for word in words)
