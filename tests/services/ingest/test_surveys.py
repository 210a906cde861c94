"""SurveyService over real gRPC and real Postgres: asked, invited, answered through the source, reported."""

from __future__ import annotations

import csv
import json
import uuid
from pathlib import Path
from typing import Any

import grpc
import pytest
from andon.common.v1.errors_pb2 import ErrorReason
from andon.common.v1.interval_pb2 import Interval
from andon.common.v1.text_pb2 import Text
from andon.ingest.v1 import ingest_pb2, quarantine_pb2, record_pb2, source_pb2, survey_pb2, survey_pb2_grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status

NOT_MAPPABLE = ErrorReason.ERROR_REASON_RECORD_NOT_MAPPABLE
NOT_ALLOWED = ErrorReason.ERROR_REASON_ANSWER_NOT_ALLOWED
SHARED = Path(__file__).parents[3].parent / "shared" / "data"
BANK = SHARED / "surveys" / "bank_satisfaction_ecsi.csv"


def scale(name: str, low: int = 1, high: int = 5, dimension: str = "", expectation_of: str = "", **fields: Any) -> Any:
    answer = survey_pb2.AnswerScale(low=low, high=high, **fields)
    return survey_pb2.SurveyItem(name=name, scale=answer, dimension=dimension, expectation_of=expectation_of)


VISIT = survey_pb2.Survey(
    title=Text(en="After a visit", zh="到访之后"),
    items=[
        scale("satisfied", index=survey_pb2.ANSWER_INDEX_CSAT),
        scale("recommend", 0, 10, index=survey_pb2.ANSWER_INDEX_NPS),
        survey_pb2.SurveyItem(name="channel", choice=survey_pb2.AnswerChoice(values=["branch", "网上"])),
        survey_pb2.SurveyItem(name="comment", comment=survey_pb2.AnswerComment()),
    ],
    frame=Text(en="visits in May"),
    frame_size=400,
)


@pytest.fixture
def surveys(served: Any) -> Any:
    return survey_pb2_grpc.SurveyServiceStub(served.channel())


@pytest.fixture
async def visit(surveys: Any) -> Any:
    return await create(surveys, "visit", VISIT)


async def create(surveys: Any, name: str, survey: survey_pb2.Survey) -> survey_pb2.Survey:
    return (await surveys.CreateSurvey(survey_pb2.CreateSurveyRequest(survey_id=name, survey=survey))).survey


async def answer(client: Any, *responses: dict[str, Any], survey: str = "visit") -> record_pb2.WriteRecordsResponse:
    records = [json.dumps({"time": "2026-05-04T10:00:00Z", **one}).encode() for one in responses]
    raw = record_pb2.RawRecords(json=record_pb2.JsonRecords(records=records))
    return await client.WriteRecords(record_pb2.WriteRecordsRequest(source=f"sources/{survey}", records=raw))


async def report(surveys: Any, name: str = "visit", **fields: Any) -> survey_pb2.SurveyReport:
    request = survey_pb2.GetSurveyReportRequest(name=f"surveys/{name}", **fields)
    return (await surveys.GetSurveyReport(request)).report


async def invite(surveys: Any, count: int, segment: str = "", **fields: Any) -> list[str]:
    request = survey_pb2.CreateInvitationsRequest(survey="surveys/visit", count=count, segment=segment, **fields)
    return list((await surveys.CreateInvitations(request)).ids)


def counted(one: survey_pb2.InvitationCounts) -> tuple[str, int, int, int, int, int]:
    return one.segment, one.invited, one.answered, one.open, one.refused, one.undeliverable


async def test_a_survey_has_a_source_of_its_name_and_is_listed(served: Any, surveys: Any, visit: Any) -> None:
    assert (visit.name, visit.source) == ("surveys/visit", "sources/visit")
    assert visit.items[0].scale.satisfied_from == 4
    source = (await served.client().GetSource(ingest_pb2.GetSourceRequest(name=visit.source))).source
    assert (source.kind, source.title) == (source_pb2.SOURCE_KIND_SURVEY, visit.title)
    assert set(source.mapping.attributes) == {"satisfied", "recommend", "channel", "comment"}
    assert (await surveys.GetSurvey(survey_pb2.GetSurveyRequest(name=visit.name))).survey == visit
    other = await create(surveys, "other", survey_pb2.Survey(items=[scale("a")]))
    first = await surveys.ListSurveys(survey_pb2.ListSurveysRequest(page_size=1))
    rest = await surveys.ListSurveys(survey_pb2.ListSurveysRequest(page_size=1, page_token=first.next_page_token))
    assert [*first.surveys, *rest.surveys] == [other, visit]
    assert rest.next_page_token == ""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await create(surveys, "visit", VISIT)
    assert caught.value.code() is grpc.StatusCode.ALREADY_EXISTS


async def test_a_dry_run_and_a_repeated_request_create_nothing_more(surveys: Any) -> None:
    request = survey_pb2.CreateSurveyRequest(survey_id="visit", survey=VISIT, validate_only=True)
    assert (await surveys.CreateSurvey(request)).survey.name == "surveys/visit"
    request.validate_only, request.request_id = False, str(uuid.uuid4())
    made = (await surveys.CreateSurvey(request)).survey
    assert (await surveys.CreateSurvey(request)).survey == made
    key = str(uuid.uuid4())
    assert await invite(surveys, 3, request_id=key) == await invite(surveys, 3, request_id=key)
    assert (await report(surveys)).invitations.invited == 3


async def test_each_field_of_a_survey_that_is_wrong_is_named(surveys: Any) -> None:
    wrong = survey_pb2.Survey(
        items=[
            scale("two words"),
            scale("id"),
            scale("a", 5, 5),
            scale("a", 0, 5, index=survey_pb2.ANSWER_INDEX_NPS),
            scale("b", satisfied_from=4),
            survey_pb2.SurveyItem(name="c", choice=survey_pb2.AnswerChoice(values=["x", "x"])),
            survey_pb2.SurveyItem(name="d"),
            scale("e", 1, 7, "tangibles", expectation_of="b"),
        ],
        frame_size=-1,
    )
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await create(surveys, "Bad Name", wrong)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    status: Any = rpc_status.from_call(caught.value)  # type: ignore[arg-type]
    bad = error_details_pb2.BadRequest()
    assert any(detail.Unpack(bad) for detail in status.details)
    assert {one.field for one in bad.field_violations} == {
        "survey_id",
        "survey.frame_size",
        "survey.items[0].name",
        "survey.items[1].name",
        "survey.items[2].scale.high",
        "survey.items[3].name",
        "survey.items[3].scale.index",
        "survey.items[4].scale.satisfied_from",
        "survey.items[5].choice.values",
        "survey.items[6].answer",
        "survey.items[7].expectation_of",
    }


async def test_a_response_is_an_event_and_one_that_does_not_fit_is_refused_with_its_field(
    served: Any, surveys: Any, visit: Any, event: Any, rows: Any, everything: Any
) -> None:
    client = served.client()
    good = {"id": "r1", "satisfied": 4, "recommend": 9, "channel": "网上", "comment": "call me: 138-1234-5678"}
    done = await answer(
        client,
        good,
        {"id": "r2", "satisfied": 6},
        {"id": "r3", "satisfied": 3.5},
        {"id": "r4", "channel": "fax"},
        {"id": "r5", "case_id": "visit-7"},
        {"id": "r10", "satisfied": "very"},
        {"id": "r11", "satisfied": 4, "recomend": 9},
        {"id": "r12", "satisfied": 4, "Ann Lee 1970": 1},
    )
    assert (done.accepted, done.quarantined) == (2, 6)
    assert [(one.index, one.field, one.reason) for one in done.rejections] == [
        (1, "attributes.satisfied", NOT_ALLOWED),
        (2, "attributes.satisfied", NOT_ALLOWED),
        (3, "attributes.channel", NOT_ALLOWED),
        (5, "attributes.satisfied", NOT_ALLOWED),
        (6, "record", NOT_MAPPABLE),
        (7, "record", NOT_MAPPABLE),
    ]
    assert '"recomend"' in done.rejections[4].message
    assert "Ann" not in done.rejections[5].message
    stored = {one["id"]: one for one in await everything(client)}
    assert (stored["r1"]["case_id"], stored["r1"]["activity"], stored["r1"]["object_kind"]) == (
        "r1",
        "Responded",
        "outcome",
    )
    assert stored["r1"]["attributes.comment"] == "call me: [phone]"
    assert stored["r5"]["case_id"] == "visit-7"
    # Every way into the log takes the same answers.
    written = await client.WriteEvents(
        ingest_pb2.WriteEventsRequest(
            batch=rows(
                event("r6", source="visit", attributes={"satisfied": 9}),
                event("r7", source="visit", attributes={"satisfied": "4"}),
                event("r8", source="desk", attributes={"satisfied": 9}),
            )
        )
    )
    assert (written.accepted, written.quarantined) == (1, 2)
    # A corrected response is admitted like any.
    quarantine = served.quarantine()
    refused = done.rejections[0].quarantine_id
    selection = quarantine_pb2.QuarantineSelection(quarantine_ids=[refused])
    for value, accepted in ((7, 0), (5, 1)):
        rule = quarantine_pb2.CorrectionRule()
        rule.set.field, rule.set.value.integer = "attributes.satisfied", value
        correction = quarantine_pb2.CorrectEventsRequest(selection=selection, rules=[rule], reason="a slip")
        await quarantine.CorrectEvents(correction)
        replayed = await quarantine.ReplayEvents(
            quarantine_pb2.ReplayEventsRequest(selection=selection, reason="again")
        )
        assert replayed.accepted_count == accepted
    found = await report(surveys)
    assert (found.responses, found.uninvited_responses) == (3, 3)
    assert {one.item: (one.answered, one.missing) for one in found.items} == {
        "satisfied": (2, 1),
        "recommend": (1, 2),
        "channel": (1, 2),
        "comment": (1, 2),
    }
    assert [(one.answer, one.count) for one in found.items[2].answers] == [("branch", 0), ("网上", 1)]
    assert not found.items[0].HasField("index")


async def test_who_was_invited_is_counted_by_what_became_of_it(served: Any, surveys: Any, visit: Any) -> None:
    client = served.client()
    north, south = await invite(surveys, 4, "north"), await invite(surveys, 2, "south")
    await answer(client, {"id": north[0], "satisfied": 5}, {"id": "passer-by", "satisfied": 1})
    again = await answer(client, {"id": north[0], "satisfied": 1})
    assert again.quarantined == 1
    states = (survey_pb2.INVITATION_STATE_UNDELIVERABLE, survey_pb2.INVITATION_STATE_REFUSED)
    for ids, state in zip(([north[1], north[0]], [north[2]]), states, strict=True):
        request = survey_pb2.UpdateInvitationsRequest(survey=visit.name, ids=ids, state=state)
        assert (await surveys.UpdateInvitations(request)).changed_count == len(ids)
        assert (await surveys.UpdateInvitations(request)).changed_count == 0
    found = await report(surveys)
    assert counted(found.invitations) == ("", 6, 1, 3, 1, 1)
    assert [counted(one) for one in found.segments] == [("north", 4, 1, 1, 1, 1), ("south", 2, 0, 2, 0, 0)]
    rate = found.invitations.response_rate
    # Wilson's interval of 1 of 5.
    assert (rate.value, round(rate.low, 4), round(rate.high, 4)) == (0.2, 0.0362, 0.6245)
    assert (found.responses, found.uninvited_responses) == (2, 1)
    open_ones = survey_pb2.ListInvitationsRequest(
        survey=visit.name, states=[survey_pb2.INVITATION_STATE_OPEN], page_size=2
    )
    page = await surveys.ListInvitations(open_ones)
    open_ones.page_token = page.next_page_token
    rest = await surveys.ListInvitations(open_ones)
    assert [one.id for one in (*page.invitations, *rest.invitations)] == sorted([north[3], *south])
    answered = survey_pb2.ListInvitationsRequest(survey=visit.name, states=[survey_pb2.INVITATION_STATE_ANSWERED])
    assert [one.id for one in (await surveys.ListInvitations(answered)).invitations] == [north[0]]
    request = survey_pb2.UpdateInvitationsRequest(survey=visit.name, ids=[south[0], "0" * 22], state=states[0])
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await surveys.UpdateInvitations(request)
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (2, 0, 3, 1)])
async def test_a_corrected_response_counts_once_and_a_retracted_one_not_at_all_in_any_order(
    served: Any, surveys: Any, visit: Any, order: tuple[int, ...]
) -> None:
    client = served.client()
    (invited,) = await invite(surveys, 1)
    sent: list[dict[str, Any]] = [
        {"id": invited, "satisfied": 1},
        {"id": "better", "case_id": invited, "satisfied": 5, "supersedes": invited},
        {"id": "withdrawn", "satisfied": 2},
        {"id": "retraction", "case_id": "withdrawn", "retracts": "withdrawn"},
    ]
    for place in order:
        await answer(client, sent[place])
        await report(surveys)
    found = await report(surveys)
    assert (found.responses, found.uninvited_responses, found.invitations.answered) == (1, 0, 1)
    assert [one.count for one in found.items[0].answers] == [0, 0, 0, 0, 1]


async def test_a_report_covers_its_interval_alone(served: Any, surveys: Any, visit: Any) -> None:
    client = served.client()
    days = [{"id": f"d{day}", "time": f"2026-05-{day:02}T10:00:00Z", "satisfied": 1 + day % 5} for day in range(1, 31)]
    await answer(client, *days)
    span = Interval()
    span.start.FromJsonString("2026-05-06T00:00:00Z")
    span.end.FromJsonString("2026-05-26T00:00:00Z")
    found = await report(surveys, interval=span)
    assert found.responses == 20
    csat = found.items[0].index
    assert csat.value == 40.0
    assert csat.low < 40.0 < csat.high
    narrow = (await report(surveys, interval=span, confidence=0.5)).items[0].index
    assert narrow.high - narrow.low < csat.high - csat.low


async def test_the_gaps_of_servqual_are_perception_less_expectation(served: Any, surveys: Any) -> None:
    items = [
        scale("expected_1", 1, 7, "tangibles", expectation_of="seen_1"),
        scale("expected_2", 1, 7, "empathy", expectation_of="seen_2"),
        scale("seen_1", 1, 7, "tangibles"),
        scale("seen_2", 1, 7, "empathy"),
    ]
    await create(surveys, "gaps", survey_pb2.Survey(items=items))
    answers = [
        {"id": f"r{n}", "expected_1": 6, "expected_2": 5, "seen_1": 4 + n % 2, "seen_2": 6 + n % 2} for n in range(12)
    ]
    await answer(served.client(), *answers, {"id": "half", "seen_1": 1}, survey="gaps")
    found = {one.dimension: one for one in (await report(surveys, "gaps")).dimensions}
    assert found["tangibles"].gap.value == -1.5
    assert found["empathy"].gap.value == 1.5
    assert found["tangibles"].complete == 13
    assert found["empathy"].complete == 12


async def test_tenants_and_roles_see_what_is_theirs(served: Any, surveys: Any, visit: Any) -> None:
    other = survey_pb2_grpc.SurveyServiceStub(served._channel("globex", ("operator", "reader")))
    assert not (await other.ListSurveys(survey_pb2.ListSurveysRequest())).surveys
    reader = survey_pb2_grpc.SurveyServiceStub(served.channel(("reader",)))
    assert (await report(reader)).responses == 0
    for call in (
        reader.CreateSurvey(survey_pb2.CreateSurveyRequest(survey_id="mine", survey=VISIT)),
        reader.CreateInvitations(survey_pb2.CreateInvitationsRequest(survey=visit.name, count=1)),
        reader.ListInvitations(survey_pb2.ListInvitationsRequest(survey=visit.name)),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call
        assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await report(reader, "none")
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


@pytest.mark.skipif(not BANK.exists(), reason="the published survey is not at hand")
async def test_the_bank_survey_gives_its_counts_and_its_published_reliability(served: Any, surveys: Any) -> None:
    with BANK.open(newline="", encoding="utf-8") as file:
        answers = list(csv.DictReader(file))
    named = [name for name in answers[0] if name != "gender"]
    items = [scale(name, 0, 10, name.rstrip("0123456789")) for name in named]
    gender = survey_pb2.SurveyItem(name="gender", choice=survey_pb2.AnswerChoice(values=["female", "male"]))
    await create(surveys, "bank", survey_pb2.Survey(items=[*items, gender]))
    records = [{"id": str(number), **one} for number, one in enumerate(answers)]
    done = await answer(served.client(), *records, survey="bank")
    assert (done.accepted, done.quarantined) == (250, 0)
    found = await report(surveys, "bank")
    assert (found.responses, len(found.items)) == (250, 28)
    expected = json.loads((SHARED / "EXPECTED.json").read_text(encoding="utf-8"))["bank_ecsi"]["alpha"]
    assert {one.dimension: round(one.alpha.value, 4) for one in found.dimensions} == expected
