"""Links, instruments and logs in small."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Literal

import pytest
import structlog
from google.protobuf.wrappers_pb2 import StringValue
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from services.runtime.metrics import RUNTIME_METRICS, Instrument, Instruments, Kind
from services.runtime.telemetry import LINKS_MAX, configure_logs, links_to, withhold

GOOD = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

Name = Literal["andon.test.count", "andon.test.time", "andon.test.level"]
CATALOGUE: dict[Name, Instrument] = {
    "andon.test.count": Instrument(Kind.COUNTER, "{thing}", "Things."),
    "andon.test.time": Instrument(Kind.HISTOGRAM, "s", "Time."),
    "andon.test.level": Instrument(Kind.GAUGE, "{thing}", "Things now."),
}


def test_links_are_unique_bounded_and_leave_out_what_cannot_be_read() -> None:
    assert len(links_to([GOOD, GOOD, "", "nonsense"])) == 1
    many = [f"00-{n:032x}-b7ad6b7169203331-01" for n in range(1, 500)]
    assert len(links_to(many)) == LINKS_MAX


@settings(deadline=None, max_examples=100)
@given(st.text(max_size=60))
def test_no_traceparent_breaks_a_batch(text: str) -> None:
    assert len(links_to([text])) <= 1


def test_instruments_report_under_their_names() -> None:
    reader = InMemoryMetricReader()
    instruments = Instruments("test", CATALOGUE, MeterProvider([reader]).get_meter("test"))
    instruments.add("andon.test.count", 2, outcome="accepted")
    instruments.record("andon.test.time", 0.5)
    instruments.set("andon.test.level", 3, shard="a")
    instruments.set("andon.test.level", 4, shard="a")
    data = reader.get_metrics_data()
    assert data is not None
    metrics = {metric.name: metric for metric in data.resource_metrics[0].scope_metrics[0].metrics}
    assert {name: metric.unit for name, metric in metrics.items()} == {
        name: instrument.unit for name, instrument in CATALOGUE.items()
    }
    (count,) = metrics["andon.test.count"].data.data_points
    assert (count.value, dict(count.attributes)) == (2, {"outcome": "accepted"})  # type: ignore[union-attr, arg-type]
    (level,) = metrics["andon.test.level"].data.data_points
    assert level.value == 4  # type: ignore[union-attr]


def test_every_runtime_metric_says_what_it_means() -> None:
    assert all(one.meaning.endswith(".") and one.unit for one in RUNTIME_METRICS.values())


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    configure_logs("tested", "info", stream)
    yield stream
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


def test_a_line_is_json_with_its_service_and_level(lines: io.StringIO) -> None:
    structlog.get_logger("one").warning("happened", count=3)
    logging.getLogger("library").error("failed %s", "here")
    structlog.get_logger("one").debug("too fine")
    ours, theirs = [json.loads(line) for line in lines.getvalue().splitlines()]
    assert (ours["event"], ours["count"], ours["level"], ours["service"]) == ("happened", 3, "warning", "tested")
    assert (theirs["event"], theirs["level"], theirs["service"]) == ("failed here", "error", "tested")


def test_what_could_name_a_person_is_withheld() -> None:
    event = {
        "event": "x",
        "subject": "Li Wei",
        "email": "li@example.org",
        "batch": StringValue(value="a body"),
        "raw": b"bytes",
        "note": "n" * 2000,
        "count": 3,
    }
    seen = withhold(None, "info", dict(event))
    assert [seen[key] for key in ("subject", "email", "batch", "raw")] == ["[withheld]"] * 4
    assert len(str(seen["note"])) < 600
    assert seen["count"] == 3
