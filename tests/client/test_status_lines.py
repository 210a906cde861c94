"""`andon status` names what a defect stopped, next to what goes on."""

from __future__ import annotations

import pytest
from andon.improvement.v1 import improvement_pb2
from andon.ingest.v1 import ingest_pb2
from andon.scoring.v1 import scoring_pb2
from andon_client.commands.status import SuiteStatus, _lines

Status = scoring_pb2.GetScoringStatusResponse
System = Status.System
Intake = improvement_pb2.GetImprovementStatusResponse.Intake


def lines(system: System, intake: Intake, locale: str) -> dict[str, list[str]]:
    return _lines(
        SuiteStatus(
            ingest_pb2.GetWatchBoundsResponse(),
            ingest_pb2.GetIntakeCountsResponse(),
            scoring_pb2.GetScoringStatusResponse(systems=[system]),
            improvement_pb2.GetImprovementStatusResponse(intake=intake, open_count=2, total_count=3),
        ),
        locale,
    )


@pytest.mark.parametrize(("locale", "why"), [("en", "a defect"), ("zh", "缺陷")])
def test_what_a_defect_stopped_is_named_with_its_reason_in_the_language_of_the_reader(locale, why):
    system = System(name="main", state=System.STATE_NOT_SERVING, reason={"en": "a defect", "zh": "缺陷"})
    intake = Intake(state=Intake.STATE_NOT_SERVING, reason={"en": "a defect", "zh": "缺陷"})
    shown = lines(system, intake, locale)
    assert [why in line for line in shown["scoring"]] == [False, True]
    assert [why in line for line in shown["improvement"]] == [False, True]


@pytest.mark.parametrize(("locale", "why"), [("en", "slice by fewer"), ("zh", "减少")])
def test_a_slice_that_is_not_scored_is_named_with_what_to_do_next(locale, why):
    dropped = Status.DroppedSlice(dimensions=["team"], reason={"en": "slice by fewer", "zh": "减少"})
    dropped.drop_time.seconds = 1_700_000_000
    system = System(name="main", state=System.STATE_SERVING, dropped_slices=[dropped])
    shown = lines(system, Intake(state=Intake.STATE_SERVING), locale)
    assert [why in line for line in shown["scoring"]] == [False, True]


def test_what_is_served_needs_no_line_of_its_own():
    shown = lines(System(state=System.STATE_SERVING), Intake(state=Intake.STATE_SERVING), "en")
    assert [len(shown[service]) for service in ("scoring", "improvement")] == [1, 1]
