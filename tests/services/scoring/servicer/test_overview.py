"""GetOverview and annotations over real gRPC."""

from __future__ import annotations

import uuid

import grpc
import pytest
from andon.scoring.v1 import overview_pb2 as pb
from andon.scoring.v1 import scoring_pb2

from tests.services.scoring.conftest import WEEK_S

SERIES = "desk/main/sla_breach@week"


async def overview(suite, **fields):
    return {one.series.key: one for one in (await suite.overview().GetOverview(pb.GetOverviewRequest(**fields))).series}


@pytest.fixture
async def worse(suite, make):
    """Thirty weeks with a tenth of breaches, then one with nine tenths, and the week after it begun."""
    await suite.activate(make.spec())
    events = make.weeks(32, 20, lambda week, place: place < (18 if week == 30 else 2 + (week + place) % 2 * (week % 3)))
    through = await suite.write(events)
    await suite.scoring().ListScores(scoring_pb2.ListScoresRequest(at_least=through, page_size=1), timeout=60)
    return suite


async def test_an_overview_has_the_latest_windows_of_each_series_and_says_what_changed(worse):
    found = await overview(worse, filter={"unsliced_only": True})
    # Windows over all time have no course.
    assert {key.rpartition("@")[2] for key in found} == {"week"}
    one = found[SERIES]
    assert (one.latest.value, one.target.value, one.latest.complete) == (0.9, 0.1, True)
    assert one.previous.interval.end == one.latest.interval.start
    assert one.provisional.interval.start == one.latest.interval.end
    assert len(one.points) == 32
    assert one.points[-2].rules
    assert (one.signal.interval, one.signal_count >= 1) == (one.latest.interval, True)
    assert one.variation == pb.SeriesOverview.VARIATION_WORSENING
    assert one.assurance == pb.SeriesOverview.ASSURANCE_HIT_OR_MISS
    assert "signal" in one.explanation.en
    assert one.process_limits.lower <= one.process_limits.centre <= one.process_limits.upper <= 1.0
    calm = found["desk/main/to_close@week"]
    assert calm.variation in (pb.SeriesOverview.VARIATION_COMMON_CAUSE, pb.SeriesOverview.VARIATION_IMPROVING)
    few = (await overview(worse, filter={"series": [SERIES]}, points_max=5))[SERIES]
    assert [point.interval for point in few.points] == [point.interval for point in one.points[-5:]]
    assert (few.variation, few.assurance) == (pb.SeriesOverview.VARIATION_WORSENING, 0)


async def test_every_rule_that_fired_in_the_windows_shown_is_shown_however_few_windows_are_asked_for(suite, make):
    spec = make.spec()
    spec.indicators[0].chart.rules.extend(["WE1", "WE2", "WE3"])
    await suite.activate(spec)
    breached = lambda week, place: place < (19 if 14 <= week <= 18 else 2 + week % 2)  # noqa: E731
    through = await suite.write(make.weeks(20, 20, breached))
    await suite.scoring().ListScores(scoring_pb2.ListScoresRequest(at_least=through, page_size=1), timeout=60)
    whole = (await overview(suite, filter={"series": [SERIES]}))[SERIES]
    few = (await overview(suite, filter={"series": [SERIES]}, points_max=2))[SERIES]
    assert list(few.points) == list(whole.points[-2:])
    assert sorted(few.points[0].rules) == ["WE1", "WE2", "WE3"]
    assert few.signal_count == 3


async def test_pages_of_an_overview_join_without_a_gap(worse):
    stub, request, keys = worse.overview(), pb.GetOverviewRequest(page_size=2), []
    while True:
        answer = await stub.GetOverview(request)
        keys += [one.series.key for one in answer.series]
        request.page_token = answer.next_page_token
        if not answer.next_page_token:
            break
    assert keys == sorted(await overview(worse))
    assert len(keys) > 4


async def test_a_note_is_shown_on_every_series_that_it_lies_over_until_it_is_removed(worse):
    stub, at_s = worse.overview(), (await overview(worse))[SERIES].latest.interval.start.seconds
    made = []
    for scope in ("desk", "desk/main/sla_breach", SERIES, "desk/main/to_close", "desk/main/overall"):
        note = pb.Annotation(scope=scope, text={"en": scope}, interval={"start": {"seconds": at_s}})
        request = pb.CreateAnnotationRequest(annotation=note, request_id=str(uuid.uuid4()))
        answer = await stub.CreateAnnotation(request)
        assert await stub.CreateAnnotation(request) == answer
        assert (answer.annotation.author, answer.annotation.kind) == ("tester", pb.Annotation.KIND_NOTE)
        made.append(answer.annotation)
    early = pb.Annotation(scope="desk", text={"zh": "早"}, interval={"start": {"seconds": at_s - 100 * WEEK_S}})
    await stub.CreateAnnotation(pb.CreateAnnotationRequest(annotation=early))
    shown = (await overview(worse))[SERIES]
    assert {one.text.en for one in shown.annotations} == {"desk", "desk/main/sla_breach", SERIES}
    listed = await stub.ListAnnotations(pb.ListAnnotationsRequest(scope=SERIES))
    assert [one.text.zh or one.text.en for one in listed.annotations] == ["早", "desk", "desk/main/sla_breach", SERIES]
    paged = await stub.ListAnnotations(pb.ListAnnotationsRequest(page_size=4))
    rest = await stub.ListAnnotations(pb.ListAnnotationsRequest(page_size=4, page_token=paged.next_page_token))
    assert len(paged.annotations) + len(rest.annotations) == 6
    await stub.DeleteAnnotation(pb.DeleteAnnotationRequest(name=made[0].name, validate_only=True))
    await stub.DeleteAnnotation(pb.DeleteAnnotationRequest(name=made[0].name))
    with pytest.raises(grpc.aio.AioRpcError) as gone:
        await stub.DeleteAnnotation(pb.DeleteAnnotationRequest(name=made[0].name))
    assert gone.value.code() is grpc.StatusCode.NOT_FOUND
    assert "desk" not in [one.text.en for one in (await overview(worse))[SERIES].annotations]
    other = await worse.overview(tenant="quiet").ListAnnotations(pb.ListAnnotationsRequest())
    assert not other.annotations


UNKNOWN_SCOPES = ["shop", "desk/other", "desk/main/nothing", "desk/main/nothing@week"]


async def test_a_note_on_what_does_not_exist_is_not_found(subtests, suite, make):
    await suite.activate(make.spec())
    for scope in UNKNOWN_SCOPES:
        with subtests.test(str(scope)):
            note = pb.Annotation(scope=scope, text={"en": "x"}, interval={"start": {"seconds": 1}})
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await suite.overview().CreateAnnotation(pb.CreateAnnotationRequest(annotation=note, validate_only=True))
            assert refused.value.code() is grpc.StatusCode.NOT_FOUND


EMPTY_NOTES = [
    ({"scope": "Desk!"}, "annotation.scope"),
    ({"text": {"en": " "}}, "annotation.text"),
    ({"text": {"en": "x" * 1_001}}, "annotation.text"),
    ({"interval": {}}, "annotation.interval.start"),
    ({"interval": {"start": {"seconds": 9}, "end": {"seconds": 8}}}, "annotation.interval.end"),
]


async def test_a_note_that_says_nothing_is_refused(subtests, suite):
    for change, field in EMPTY_NOTES:
        with subtests.test(str((change, field))):
            note = {"scope": "desk", "text": {"en": "x"}, "interval": {"start": {"seconds": 1}}, **change}
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await suite.overview().CreateAnnotation(pb.CreateAnnotationRequest(annotation=pb.Annotation(**note)))
            assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
            assert refused.value.details().startswith(field)
