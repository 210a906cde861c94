"""The incident log of a real service desk: the fold's answers are the published ones, in order and shuffled."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pytest
from andon.scoring.v1 import indicator_system_pb2 as pb
from andon_client.documents import load_document

from services.scoring.fold.step import DecodedPage
from services.scoring.scores.statistics import PartStats
from services.scoring.system.model import IndicatorSystem, Window
from services.scoring.system.series import series_key
from services.scoring.system.windows import ALL_TIME
from services.scoring.wire.systems import spec_of
from tests.services.scoring.fold.counted_fold import CountedFold

ROOT = Path(__file__).parents[4]
DATA = ROOT / ".." / "shared" / "data"
LOG = DATA / "eventlogs" / "uci_incident_event_log.csv.gz"
PAGE_ROWS = 20_000
TIMES = ["opened_at", "resolved_at", "closed_at"]
TEXTS = ["priority", "category", "contact_type", "assignment_group"]

pytestmark = pytest.mark.skipif(not LOG.exists(), reason="needs the shared data sets next to the repository")


@pytest.fixture(scope="module")
def expected() -> dict[str, Any]:
    return dict(json.loads((DATA / "EXPECTED.json").read_text())["uci_incident_log"])


@pytest.fixture(scope="module")
def incidents() -> pa.Table:
    """One event per row; ids end with the count of updates, so rows of one minute keep their order."""
    kinds = {name: pa.utf8() for name in [*TIMES, "sys_updated_at", "number", "incident_state"]}
    options = pyarrow.csv.ConvertOptions(column_types=kinds, null_values=["?"], strings_can_be_null=True)
    rows = pyarrow.csv.read_csv(LOG, convert_options=options)
    counts = rows["sys_mod_count"].cast(pa.utf8())
    state = pc.if_else(pc.equal(rows["incident_state"], "-100"), "Unknown state", rows["incident_state"])
    columns = {
        "id": pc.binary_join_element_wise(rows["number"], rows["sys_updated_at"], counts, "/"),
        "source": pa.array(["incidents"] * len(rows)),
        "case_id": rows["number"],
        "activity": state,
        "time": day_first(rows["sys_updated_at"]),
        "attributes.made_sla": rows["made_sla"],
        "attributes.reopen_count": rows["reopen_count"],
    }
    columns |= {f"attributes.{name}": day_first(rows[name]) for name in TIMES}
    return pa.table(columns | {f"attributes.{name}": rows[name] for name in TEXTS})


def day_first(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.strptime(column, format="%d/%m/%Y %H:%M", unit="us").cast(pa.timestamp("us", tz="UTC"))


@pytest.fixture(scope="module")
def system() -> IndicatorSystem:
    document = load_document(ROOT / "examples" / "it-incidents.system.yaml", pb.IndicatorSystemSpec)
    return IndicatorSystem("processes/it/indicatorSystems/main", 1, spec_of(document))


def folded(system: IndicatorSystem, events: pa.Table) -> CountedFold:
    fold = CountedFold(system)
    for start in range(0, len(events), PAGE_ROWS):
        fold.fold([DecodedPage(events.slice(start, PAGE_ROWS), 0, start)])
    return fold


@pytest.fixture(scope="module")
def in_order(system: IndicatorSystem, incidents: pa.Table) -> CountedFold:
    return folded(system, incidents)


@pytest.fixture(scope="module")
def over_all_time(in_order: CountedFold) -> dict[str, PartStats]:
    return {part.series: part.stats for part in in_order.parts() if part.window == ALL_TIME}


def test_every_row_is_an_event_of_its_incident(incidents: pa.Table, expected: dict[str, Any]) -> None:
    assert len(pc.unique(incidents["id"])) == expected["rows"]
    assert len(pc.unique(incidents["case_id"])) == expected["incidents"]
    unknown = pc.sum(pc.equal(incidents["activity"], "Unknown state")).as_py()
    assert unknown == expected["dirty"]["state_minus_100_rows"]


def test_the_share_of_missed_service_levels_is_the_published_one(
    system: IndicatorSystem, over_all_time: dict[str, PartStats], expected: dict[str, Any]
) -> None:
    whole = over_all_time[series_key(system, "sla_breach", Window.ALL)]
    assert (whole.count, whole.total) == (expected["incidents"], expected["sla_breach"]["n"])
    assert round(whole.mean(1.0), 4) == expected["sla_breach"]["share"]


@pytest.mark.parametrize("dimension", ["priority", "contact_type"])
def test_slices_are_the_published_ones(
    dimension: str, system: IndicatorSystem, over_all_time: dict[str, PartStats], expected: dict[str, Any]
) -> None:
    for value, (count, breached) in expected["sla_breach"][f"by_{dimension}"].items():
        stats = over_all_time[series_key(system, "sla_breach", Window.ALL, ((dimension, value),))]
        assert (stats.count, stats.total) == (count, breached)


def test_opening_weeks_are_the_published_ones(
    system: IndicatorSystem, in_order: CountedFold, expected: dict[str, Any]
) -> None:
    series = series_key(system, "sla_breach", Window.WEEK)
    weeks = {
        str(np.datetime64(part.window.start_us, "us").astype("M8[D]")): [part.stats.count, part.stats.total]
        for part in in_order.parts()
        if part.series == series
    }
    assert {week: weeks[week] for week in expected["sla_breach"]["by_opening_week"]} == expected["sla_breach"][
        "by_opening_week"
    ]


def test_time_from_open_to_close_is_the_published_one(
    system: IndicatorSystem, over_all_time: dict[str, PartStats], expected: dict[str, Any]
) -> None:
    hours = 1 / 3600
    mean = over_all_time[series_key(system, "open_to_close_mean", Window.ALL)]
    median = over_all_time[series_key(system, "open_to_close_median", Window.ALL)]
    assert round(mean.mean(hours), 2) == expected["open_to_close_hours"]["mean"]
    assert round(median.median(hours), 2) == expected["open_to_close_hours"]["median"]
    assert round(median.quantile(0.95, hours), 2) == expected["open_to_close_hours"]["p95"]


def test_incidents_without_a_resolution_are_not_observed(
    system: IndicatorSystem, over_all_time: dict[str, PartStats], expected: dict[str, Any]
) -> None:
    stats = over_all_time[series_key(system, "resolution_median", Window.ALL)]
    assert stats.count == expected["open_to_resolved_hours"]["n"]
    assert round(stats.median(1 / 3600), 2) == expected["open_to_resolved_hours"]["median"]


def test_the_share_of_reopened_incidents_is_the_published_one(
    system: IndicatorSystem, over_all_time: dict[str, PartStats], expected: dict[str, Any]
) -> None:
    stats = over_all_time[series_key(system, "reopened", Window.ALL)]
    assert stats.mean(1.0) == pytest.approx(expected["reopened_share"], abs=5e-7)


def test_a_shuffled_log_gives_the_same_parts(
    system: IndicatorSystem, incidents: pa.Table, in_order: CountedFold
) -> None:
    order = np.random.default_rng(20160229).permutation(len(incidents))
    assert folded(system, incidents.take(order)).parts() == in_order.parts()
