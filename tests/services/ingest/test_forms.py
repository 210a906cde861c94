"""FormService over real gRPC and real Postgres: planned, observed through the source, reported."""

from __future__ import annotations

import json
from typing import Any

import grpc
import pytest
from andon.common.v1.errors_pb2 import ErrorReason
from andon.common.v1.interval_pb2 import Interval
from andon.common.v1.text_pb2 import Text
from andon.ingest.v1 import event_pb2, form_pb2, form_pb2_grpc, ingest_pb2, record_pb2, source_pb2
from andon_quality.reliability import Disagreement, krippendorff
from google.rpc import error_details_pb2
from grpc_status import rpc_status

NOT_ALLOWED = ErrorReason.ERROR_REASON_ANSWER_NOT_ALLOWED
INCOMPLETE = ErrorReason.ERROR_REASON_OBSERVATION_INCOMPLETE
NOT_MAPPABLE = ErrorReason.ERROR_REASON_RECORD_NOT_MAPPABLE


def item(name: str, *values: float, **fields: Any) -> form_pb2.FormItem:
    grades = [form_pb2.Grade(value=value, label=Text(en=f"grade {value:g}", zh="等级")) for value in values]
    return form_pb2.FormItem(name=name, grades=grades, **fields)


PLAN = form_pb2.SamplingPlan(
    seed=7,
    period=form_pb2.PLAN_PERIOD_DAY,
    count=2,
    stratum=form_pb2.PLAN_STRATUM_SHIFT,
    units=[f"room-{number}" for number in range(10)],
    shifts=[form_pb2.PlanShift(name="early", start="06:00", end="14:00")],
    time_zone="Europe/Berlin",
    start_date="2026-05-04",
    end_date="2026-05-05",
)
ROOMS = form_pb2.ObservationForm(
    title=Text(en="Room check", zh="客房检查"),
    items=[item("bed", 1, 2, 3, 4), item("bath", 0, 0.5, 1), item("remark")],
    object_kind=event_pb2.OBJECT_KIND_FACILITY,
    plan=PLAN,
)


@pytest.fixture
def forms(served: Any) -> Any:
    return form_pb2_grpc.FormServiceStub(served.channel())


@pytest.fixture
async def rooms(forms: Any) -> Any:
    return await create(forms, "rooms", ROOMS)


async def create(forms: Any, name: str, form: form_pb2.ObservationForm, **fields: Any) -> form_pb2.ObservationForm:
    return (await forms.CreateForm(form_pb2.CreateFormRequest(form_id=name, form=form, **fields))).form


async def observe(client: Any, *records: dict[str, Any], form: str = "rooms") -> record_pb2.WriteRecordsResponse:
    given = {"time": "2026-05-04T06:00:00Z", "rater": "Ann", "object": "room-1"}
    encoded = [json.dumps({**given, **one}).encode() for one in records]
    raw = record_pb2.RawRecords(json=record_pb2.JsonRecords(records=encoded))
    return await client.WriteRecords(record_pb2.WriteRecordsRequest(source=f"sources/{form}", records=raw))


async def report(forms: Any, name: str = "rooms", **fields: Any) -> form_pb2.FormReport:
    return (await forms.GetFormReport(form_pb2.GetFormReportRequest(name=f"forms/{name}", **fields))).report


def span(start: str, end: str) -> Interval:
    interval = Interval()
    interval.start.FromJsonString(start)
    interval.end.FromJsonString(end)
    return interval


async def test_a_form_has_a_source_of_its_name_and_is_listed(served: Any, forms: Any, rooms: Any) -> None:
    assert (rooms.name, rooms.source) == ("forms/rooms", "sources/rooms")
    values = [[grade.value for grade in one.grades] for one in rooms.items]
    assert (values, rooms.items[0].grades[1].label.zh) == ([[1, 2, 3, 4], [0, 0.5, 1], []], "等级")
    assert (rooms.plan, rooms.object_kind) == (PLAN, ROOMS.object_kind)
    source = (await served.client().GetSource(ingest_pb2.GetSourceRequest(name=rooms.source))).source
    assert (source.kind, source.title) == (source_pb2.SOURCE_KIND_OBSERVATION, rooms.title)
    assert (await forms.GetForm(form_pb2.GetFormRequest(name=rooms.name))).form == rooms
    tried = form_pb2.ObservationForm(items=[item("a", 0, 1)], object_kind=event_pb2.OBJECT_KIND_PERSON)
    assert (await create(forms, "tried", tried, validate_only=True)).name == "forms/tried"
    other = await create(forms, "other", tried)
    first = await forms.ListForms(form_pb2.ListFormsRequest(page_size=1))
    rest = await forms.ListForms(form_pb2.ListFormsRequest(page_size=1, page_token=first.next_page_token))
    assert [*first.forms, *rest.forms] == [other, rooms]
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await create(forms, "rooms", ROOMS)
    assert caught.value.code() is grpc.StatusCode.ALREADY_EXISTS


async def test_each_field_of_a_form_that_is_wrong_is_named(forms: Any) -> None:
    wrong = form_pb2.ObservationForm(
        items=[
            item("rater", 0, 1),
            item("a", 1),
            item("a", 2, 1),
            item("b", 1, 1),
            item("c", 1, 2, text=Text(zh="长" * 501)),
        ],
        plan=form_pb2.SamplingPlan(
            count=0,
            units=["room 1", "x", "x"],
            shifts=[
                form_pb2.PlanShift(name="one", start="06:00", end="14:00"),
                form_pb2.PlanShift(name="two", start="13:00", end="25:00"),
                form_pb2.PlanShift(name="one", start="22:00", end="07:00"),
            ],
            time_zone="CEST",
            start_date="2026-02-30",
        ),
    )
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await create(forms, "Bad Name", wrong)
    status: Any = rpc_status.from_call(caught.value)  # type: ignore[arg-type]
    bad = error_details_pb2.BadRequest()
    assert any(detail.Unpack(bad) for detail in status.details)
    assert {one.field for one in bad.field_violations} == {
        "form_id",
        "form.object_kind",
        "form.items[0].name",
        "form.items[1].grades",
        "form.items[2].name",
        "form.items[2].grades[1].value",
        "form.items[3].grades[1].value",
        "form.items[4].text.zh",
        "form.plan.count",
        "form.plan.units",
        "form.plan.units[0]",
        "form.plan.shifts",
        "form.plan.shifts[1].end",
        "form.plan.shifts[2].name",
        "form.plan.time_zone",
        "form.plan.start_date",
    }


async def test_an_observation_is_an_event_and_one_that_does_not_fit_is_refused_with_its_field(
    served: Any, forms: Any, rooms: Any, event: Any, rows: Any, everything: Any
) -> None:
    client = served.client()
    done = await observe(
        client,
        {"id": "o1", "case_id": "room-1/4", "bed": 3, "bath": 0.5, "place": "north", "remark": "call 138-1234-5678"},
        {"id": "o2", "bed": 5},
        {"id": "o3", "bed": "good"},
        {"id": "o4", "bath": 0.7},
        {"id": "o5", "rater": ""},
        {"id": "o6", "object": None},
        {"id": "o7", "bedd": 3},
        {"id": "o8"},
    )
    assert (done.accepted, done.quarantined) == (2, 6)
    assert [(one.index, one.field, one.reason) for one in done.rejections] == [
        (1, "attributes.bed", NOT_ALLOWED),
        (2, "attributes.bed", NOT_ALLOWED),
        (3, "attributes.bath", NOT_ALLOWED),
        (4, "resource", INCOMPLETE),
        (5, "attributes.object", INCOMPLETE),
        (6, "record", NOT_MAPPABLE),
    ]
    assert '"bedd"' in next(one.message for one in done.rejections if one.index == 6)
    stored = {one["id"]: one for one in await everything(client)}
    assert (stored["o1"]["activity"], stored["o1"]["object_kind"]) == ("Observed", "facility")
    assert stored["o1"]["resource"].startswith("p_")
    assert stored["o1"]["attributes.object"] == "room-1"
    assert stored["o1"]["attributes.remark"] == "call [phone]"
    # Every way into the log takes the same grades, raters, objects and kinds.
    facility = event_pb2.OBJECT_KIND_FACILITY

    def given(name: str, attributes: dict[str, Any], kind: int = facility, resource: str = "Ann") -> Any:
        one = event(name, source="rooms", attributes={"object": "room-2", **attributes})
        one.object_kind, one.resource = kind, resource
        return one

    batch = rows(
        given("w1", {"bed": 2}),
        given("w2", {"bed": 9}),
        given("w3", {}, kind=event_pb2.OBJECT_KIND_PERSON),
        given("w4", {}, kind=0),
        given("w5", {}, resource=""),
    )
    written = await client.WriteEvents(ingest_pb2.WriteEventsRequest(batch=batch))
    assert [(one.index, one.field, one.reason) for one in written.rejections] == [
        (1, "attributes.bed", NOT_ALLOWED),
        (2, "object_kind", INCOMPLETE),
        (3, "object_kind", INCOMPLETE),
        (4, "resource", INCOMPLETE),
    ]
    found = await report(forms)
    assert found.observations == 3
    assert [(one.item, one.graded, one.missing) for one in found.items] == [
        ("bed", 2, 1),
        ("bath", 1, 2),
        ("remark", 1, 2),
    ]
    assert [one.raters for one in found.objects] == [1, 1]
    assert [one.rater for one in found.raters] == [stored["o1"]["resource"]]


async def test_a_person_who_is_observed_is_a_pseudonym_everywhere(served: Any, forms: Any, everything: Any) -> None:
    calls = form_pb2.ObservationForm(items=[item("greeting", 0, 1)], object_kind=event_pb2.OBJECT_KIND_PERSON)
    await create(forms, "calls", calls)
    client = served.client()
    await observe(client, {"id": "1", "object": "Bob Miller", "rater": "Ann Lee", "greeting": 1}, form="calls")
    (stored,) = await everything(client)
    assert stored["attributes.object"].startswith("p_")
    found = await report(forms, "calls")
    assert found.objects[0].object == stored["attributes.object"]
    assert not found.objects[0].HasField("score")
    assert "Bob" not in str(found)
    assert "Ann" not in str(found)


async def test_the_plan_is_drawn_once_and_for_all_and_covered_by_observations(
    served: Any, forms: Any, rooms: Any
) -> None:
    request = form_pb2.ListPlannedObservationsRequest(
        form=rooms.name, interval=span("2026-05-01T00:00:00Z", "2026-06-01T00:00:00Z")
    )
    asked = (await forms.ListPlannedObservations(request)).observations
    assert len(asked) == 4
    assert {one.state for one in asked} == {form_pb2.PLANNED_STATE_MISSED}
    assert asked[0].start_time.ToJsonString() == "2026-05-04T04:00:00Z"
    assert [one.time.ToMicroseconds() for one in asked] == sorted(one.time.ToMicroseconds() for one in asked)
    client = served.client()
    first = asked[0]
    await observe(client, {"id": "seen", "object": first.unit, "time": first.time.ToJsonString(), "bed": 1})
    await observe(client, {"id": "late", "object": asked[1].unit, "time": "2026-05-04T12:00:00Z", "bed": 1})
    again = (await forms.ListPlannedObservations(request)).observations
    assert [(one.id, one.unit) for one in again] == [(one.id, one.unit) for one in asked]
    assert [one.observation for one in again if one.state == form_pb2.PLANNED_STATE_DONE] == ["seen"]
    found = (await report(forms)).coverage
    assert (found.planned, found.done, found.missed, found.open) == (4, 1, 3, 0)
    assert found.coverage.value == 0.25
    request.interval.end.FromJsonString("2026-05-04T12:00:00Z")
    assert len((await forms.ListPlannedObservations(request)).observations) == 2
    # By default: the week from now on, in which this plan is over.
    later = form_pb2.ListPlannedObservationsRequest(form=rooms.name)
    assert not (await forms.ListPlannedObservations(later)).observations


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (2, 0, 3, 1)])
async def test_a_corrected_observation_counts_once_and_a_retracted_one_not_at_all_in_any_order(
    served: Any, forms: Any, rooms: Any, order: tuple[int, ...]
) -> None:
    client = served.client()
    sent: list[dict[str, Any]] = [
        {"id": "first", "bed": 1},
        {"id": "better", "case_id": "first", "bed": 4, "supersedes": "first"},
        {"id": "withdrawn", "bed": 2},
        {"id": "retraction", "case_id": "withdrawn", "retracts": "withdrawn"},
    ]
    for place in order:
        assert (await observe(client, sent[place])).accepted == 1
        await report(forms)
    found = await report(forms)
    assert found.observations == 1
    assert [one.count for one in found.items[0].grades] == [0, 0, 0, 1]


async def test_several_raters_of_the_same_things_agree_as_the_mathematics_says(
    served: Any, forms: Any, rooms: Any
) -> None:
    table = [[(case * 7 + rater * (case % 3)) % 4 for rater in range(3)] for case in range(12)]
    records = [
        {"id": f"{case}-{rater}", "case_id": f"case-{case}", "rater": f"rater {rater}", "bed": 1 + grade}
        for case, grades in enumerate(table)
        for rater, grade in enumerate(grades)
        if (case, rater) != (0, 0)
    ]
    await observe(served.client(), *records)
    found = (await report(forms)).items[0]
    counts = [[grades.count(grade) for grade in range(4)] for grades in table]
    counts[0][table[0][0]] -= 1
    expected = krippendorff(counts, Disagreement.QUADRATIC)
    agreement = found.agreement
    assert (agreement.things, agreement.ratings, agreement.pairs) == (12, 35, 34)
    assert agreement.method == form_pb2.AGREEMENT_METHOD_KRIPPENDORFF
    assert agreement.kappa.value == pytest.approx(expected.kappa)
    assert (agreement.kappa.low, agreement.kappa.high) == pytest.approx(
        (expected.interval.lower, expected.interval.upper)
    )
    raters = (await report(forms)).raters
    assert sorted(one.shared_things for one in raters) == [11, 12, 12]
    assert all(one.HasField("leniency") for one in raters)


async def test_tenants_and_roles_see_what_is_theirs(served: Any, forms: Any, rooms: Any) -> None:
    other = form_pb2_grpc.FormServiceStub(served._channel("globex", ("operator", "reader")))
    assert not (await other.ListForms(form_pb2.ListFormsRequest())).forms
    reader = form_pb2_grpc.FormServiceStub(served.channel(("reader",)))
    assert (await report(reader)).observations == 0
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await create(reader, "mine", ROOMS)
    assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await report(reader, "none")
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND
