"""The report as one self-contained page: charts, styles and scripts inside, nothing fetched."""

from __future__ import annotations

import functools
import json
from datetime import datetime
from pathlib import Path

import jinja2
import vl_convert
from andon_client.presentation.tables import fill_tone

from demo.report import Report
from demo.report_texts import Say

_TEMPLATE = Path(__file__).with_name("report.html.j2")
# The scripts that draw charts are the same for each page, and seconds of work to put together.
_bundle = functools.cache(vl_convert.javascript_bundle)


def write(path: Path, report: Report, say: Say, made_at: datetime) -> None:
    specs = json.dumps(
        [spec for spec in (*report.chart_specs, report.pareto_spec) if spec is not None], ensure_ascii=False
    )
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    template = environment.from_string(_TEMPLATE.read_text(encoding="utf-8"))
    page = template.render(
        report=report,
        say=say,
        fill_tone=fill_tone,
        made_at=f"{made_at:%Y-%m-%d %H:%M} UTC",
        bundle=_bundle("window.vegaEmbed = vegaEmbed;"),
        # "</script>" inside a text must not end the script.
        specs=specs.replace("</", "<\\/"),
    )
    path.write_text(page, encoding="utf-8")
