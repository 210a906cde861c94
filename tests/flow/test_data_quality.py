"""The quality of data is scored and charted by an indicator system, from refused events to a signal."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from andon.ingest.v1 import data_quality_pb2, event_pb2, ingest_pb2, source_pb2
from andon.scoring.v1 import indicator_system_pb2, scoring_pb2
from andon_client.commands.system import apply_system
from andon_client.documents import load_document
from andon_client.suite import Suite

pytestmark = pytest.mark.timeout(200)
ROOT = Path(__file__).parents[2]
DAYS = 30
SERIES = "quality/main/completeness@day{source=desk}"


async def test_a_day_of_incomplete_events_becomes_a_signal_of_the_shipped_system(connection, desk):
    async with Suite(connection) as suite:
        request = ingest_pb2.CreateSourceRequest(source_id="andon.quality", source=source_pb2.Source())
        await suite.ingest.CreateSource(request)
        spec = load_document(ROOT / "examples" / "data-quality.system.yaml", indicator_system_pb2.IndicatorSystemSpec)
        await apply_system(suite, spec, "quality")
        for day in range(DAYS):
            # One to three of a hundred have no case; on the last day forty.
            without = 40 if day == DAYS - 1 else 1 + day * 7 % 3
            events = [
                _event(desk.begin, day, number, "" if number < without else f"C{number}") for number in range(100)
            ]
            batch = event_pb2.EventBatch(rows=event_pb2.EventRows(events=events))
            await suite.ingest.WriteEvents(ingest_pb2.WriteEventsRequest(batch=batch))
        quality = await suite.data_quality.GetDataQuality(data_quality_pb2.GetDataQualityRequest(sources=["desk"]))
        assert [day.received for day in quality.days] == [100] * DAYS

        signal = await _signal(suite)
        assert signal.interval.start.seconds == quality.days[-1].interval.start.seconds
        chart = await suite.scoring.GetControlChart(scoring_pb2.GetControlChartRequest(series=SERIES))
        assert [point.statistic for point in chart.points] == [day.dimensions[0].share for day in quality.days]


async def _signal(suite):
    for _ in range(300):
        for signal in (await suite.scoring.ListSignals(scoring_pb2.ListSignalsRequest())).signals:
            if signal.series == SERIES:
                return signal
        await asyncio.sleep(0.2)
    raise AssertionError("no signal")


def _event(begin, day, number, case):
    made = event_pb2.Event(id=f"{day}-{number}", source="desk", case_id=case, activity="Opened")
    made.time.FromDatetime(begin + timedelta(days=day, minutes=number))
    return made
