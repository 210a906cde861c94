"""Counts of data quality: whatever the batches, they add up, and each event is judged once on its own day."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest.admission.admit import admit
from services.ingest.admission.rows import read_rows
from services.ingest.admission.tenant_keys import tenant_keys
from services.ingest.data_quality.day_counts import Refusal, quality_of, refusals
from services.ingest.model import (
    DAY_US,
    SECOND_US,
    Fault,
    IncomingBatch,
    NumberRange,
    QualityDimension,
    QualityRules,
    Source,
    SourceId,
    TenantId,
)
from services.ingest.registry.data_quality import DayCounts
from tests.services.ingest.everybody import EVERYBODY

NOW_US = 1_700_000_000 * SECOND_US
KEYS = tenant_keys(b"k" * 32, TenantId("acme"))
RULES = QualityRules(("attributes.team",), (NumberRange("attributes.score", 1, 5),), (), 3_600 * SECOND_US)
SOURCES = {SourceId("desk"): Source(SourceId("desk"), quality=RULES), SourceId("shop"): Source(SourceId("shop"))}
EVENTS = st.fixed_dictionaries(
    {
        "source": st.sampled_from(["desk", "shop", "andon.quality"]),
        "case_id": st.sampled_from(["c", ""]),
        "age_s": st.integers(0, 5 * 86_400),
        "team": st.sampled_from(["a", "", None]),
        "score": st.sampled_from([0, 3, None]),
        "outcome": st.sampled_from(["new", "duplicate"]),
    }
)


def arrival(events):
    from andon.ingest.v1 import event_pb2

    rows = event_pb2.EventRows()
    for number, one in enumerate(events):
        event = rows.events.add(id=f"e{number}", source=one["source"], case_id=one["case_id"], activity="Opened")
        event.time.FromMicroseconds(NOW_US - one["age_s"] * SECOND_US)
        if one["team"] is not None:
            event.attributes["team"].text = one["team"]
        if one["score"] is not None:
            event.attributes["score"].integer = one["score"]
    return read_rows(rows.SerializeToString())


def counted(events):
    batch = IncomingBatch(arrival(events), is_own=True)
    admission = admit([batch], SOURCES, KEYS, EVERYBODY, NOW_US)
    new = np.array([events[row]["outcome"] == "new" for row in admission.index], dtype=np.bool_)
    return quality_of(admission, new, ~new, refusals(batch.arrival.page, admission.faults[0]), SOURCES, NOW_US)


def expected(events):
    """The same, event by event."""
    days: dict[tuple[str, int], Counter] = {}
    for one in events:
        if one["source"] == "andon.quality":
            continue
        age_us = one["age_s"] * SECOND_US
        found = days.setdefault((one["source"], (NOW_US - age_us) // DAY_US), Counter())
        if not one["case_id"]:
            found["refused"] += 1
            found[QualityDimension.COMPLETENESS] += 1
        elif one["outcome"] == "duplicate":
            found["duplicate"] += 1
            found[QualityDimension.UNIQUENESS] += 1
        else:
            found["accepted"] += 1
            is_desk = one["source"] == "desk"
            found[QualityDimension.COMPLETENESS] += is_desk and not one["team"]
            found[QualityDimension.VALIDITY] += is_desk and one["score"] == 0
            found[QualityDimension.TIMELINESS] += age_us > (3_600 * SECOND_US if is_desk else DAY_US)
    return days


@settings(deadline=None, max_examples=60)
@given(st.lists(EVENTS, min_size=1, max_size=30))
def test_the_counts_are_those_of_each_event_by_itself(events):
    found = counted(events)
    wanted = expected(events)
    assert found.days.keys() == wanted.keys()
    for key, counts in found.days.items():
        for name in ("accepted", "duplicate", "refused"):
            assert getattr(counts, name) == wanted[key][name]
        assert {dimension: counts.failed.get(dimension, 0) for dimension in QualityDimension} == {
            dimension: wanted[key][dimension] for dimension in QualityDimension
        }
        assert sum(counts.delays) == counts.accepted


def test_an_event_whose_time_cannot_be_used_counts_on_the_day_on_which_it_came():
    admission = admit([IncomingBatch(arrival([]))], SOURCES, KEYS, EVERYBODY, NOW_US)
    nothing = np.zeros(0, np.bool_)
    fault = Fault(0, "time", "EVENT_TIME_IN_FUTURE", "", "desk")
    for us in (None, 0, NOW_US + 2 * DAY_US):
        found = quality_of(admission, nothing, nothing, [Refusal(fault, us)], SOURCES, NOW_US)
        assert list(found.days) == [("desk", NOW_US // DAY_US)]
    found = quality_of(admission, nothing, nothing, [Refusal(fault, NOW_US - DAY_US)], SOURCES, NOW_US)
    assert list(found.days) == [("desk", NOW_US // DAY_US - 1)]


def test_a_share_is_of_what_was_judged():
    counts = DayCounts(
        accepted=6, duplicate=2, refused=2, failed={QualityDimension.UNIQUENESS: 2, QualityDimension.TIMELINESS: 3}
    )
    assert counts.share(QualityDimension.UNIQUENESS) == 0.8
    assert counts.share(QualityDimension.TIMELINESS) == 0.5
    assert counts.share(QualityDimension.VALIDITY) == 1
    assert replace(counts, accepted=0).share(QualityDimension.TIMELINESS) is None


def test_a_name_that_a_dictionary_holds_twice_is_one_source():
    batch = IncomingBatch(arrival([{**GOOD, "age_s": 0}, {**GOOD, "age_s": 1}]))
    admission = admit([batch], SOURCES, KEYS, EVERYBODY, NOW_US)
    page = admission.page
    place = page.schema.get_field_index("source")
    twice = pa.DictionaryArray.from_arrays(pa.array([0, 1], pa.int32()), pa.array(["shop", "shop"]))
    columns = [twice if at == place else column for at, column in enumerate(page.columns)]
    changed = replace(admission, page=pa.RecordBatch.from_arrays(columns, names=page.schema.names))
    both = np.ones(2, np.bool_)
    found = quality_of(changed, both, ~both, [], SOURCES, NOW_US)
    assert [counts.accepted for counts in found.days.values()] == [2]


GOOD = {"source": "shop", "case_id": "c", "team": "a", "score": 3, "outcome": "new"}


def test_an_empty_batch_has_no_quality():
    assert not counted([]).days
