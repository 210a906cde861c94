"""The report is one file that needs nothing else, in either language, whatever the texts hold."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest

from demo import page
from demo.report import FaultLine, ProblemLine, Report, ScoreLine
from demo.report_texts import texts

NASTY = '</script><script>alert(1)</script> & <b>"quotes"</b>'


def report(language="en", title="Wait"):
    line = ScoreLine(0, title, "during", "1 h", "2 h", "10%", 87.5, "88", "1,234", "met", "met")
    node = ScoreLine(0, "All", "", "", "", "100%", None, "40-60", "", "", "")
    fault = FaultLine(title, "2026-01-01, 2026-01-02", True, "WE1 on wait@day", "1.0 days", "team = Red", True)
    missed = FaultLine("Other", "2026-02-01, 2026-02-02", False, "missed", "-", "-", False)
    spec = {"$schema": "https://vega.github.io/schema/vega-lite/v5.json", "mark": "point", "title": title}
    return Report(
        language=language,
        lead=title,
        intake=[("desk", "3", "2", "1", "0")],
        scorecards=[("all time", [node, line])],
        faults=[fault, missed],
        false_alarms="none",
        problems=[
            ProblemLine(
                "problems/1",
                title,
                "8.1",
                13,
                "team = Red (112%)",
                "2026-03-16",
                "acknowledge",
                "andon problem acknowledge problems/1",
            )
        ],
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
