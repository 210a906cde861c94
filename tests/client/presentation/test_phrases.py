"""Every phrase exists in both languages, with the same figures."""

from __future__ import annotations

import re

import pytest
from andon.improvement.v1 import problem_pb2
from andon.ingest.v1 import event_pb2, form_pb2, quarantine_pb2, source_pb2, survey_pb2
from andon.scoring.v1 import indicator_system_pb2, score_pb2, scoring_pb2
from andon_client.presentation import phrases
from andon_client.presentation.phrases import LocalisedError, named, say, text_in

PLACE = re.compile(r"{(\w+)(:[^}]*)?}")
HAN = re.compile(r"[\u3000-\u9fff\uff00-\uffef]")
# Written otherwise in traditional Chinese; the product speaks simplified.
TRADITIONAL = set("這為與於將對後開關驗證據問題結論區間變動計劃確認無須說標數圖報業務體質資訊產狀態應該從還進過處")
ENUMS = [
    problem_pb2.ProblemState,
    problem_pb2.HistoryEvent,
    problem_pb2.CauseState,
    problem_pb2.ProblemOrigin,
    problem_pb2.ActionState,
    problem_pb2.ActionKind,
    problem_pb2.CauseClass,
    problem_pb2.Verdict,
    score_pb2.ScoreState,
    scoring_pb2.LintFinding.Severity,
    quarantine_pb2.QuarantineState,
    quarantine_pb2.ReplayOutcome,
    event_pb2.ObjectKind,
    source_pb2.EntityKind,
    form_pb2.PlanPeriod,
    form_pb2.PlanStratum,
    form_pb2.PlannedState,
    form_pb2.AgreementMethod,
    survey_pb2.AnswerIndex,
    survey_pb2.InvitationState,
    indicator_system_pb2.IndicatorSystem.State,
]


@pytest.mark.parametrize("phrase", phrases._PHRASES)
def test_a_phrase_has_the_same_places_in_both_languages(phrase):
    english, chinese = phrases._PHRASES[phrase]
    assert set(PLACE.findall(english)) == set(PLACE.findall(chinese))
    assert HAN.search(chinese)
    assert not HAN.search(english)


def test_chinese_is_simplified():
    spoken = "".join([chinese for _, chinese in phrases._PHRASES.values()] + [*phrases._CHINESE_NAMES.values()])
    assert TRADITIONAL & set(spoken) == set()


@pytest.mark.parametrize("enum", ENUMS)
def test_every_state_kind_and_verdict_has_a_chinese_name_of_its_own(enum):
    names = [named(enum, value, "zh-CN") for value in enum.values() if value]
    assert len(set(names)) == len(names)
    assert all(HAN.search(name) for name in names)


def test_in_english_a_value_is_its_own_name():
    assert named(problem_pb2.Verdict, problem_pb2.VERDICT_NO_CHANGE, "en") == "no change"


def test_places_are_filled_in_the_language_that_is_asked_for():
    assert say("merged", "en", name="problems/q") == "merged into problems/q"
    assert say("merged", "zh-Hans", name="problems/q") == "已并入 problems/q"


def test_words_are_kept_in_the_language_they_were_said_in():
    assert text_in("en", "Check").en == "Check"
    assert text_in("zh", "检查").zh == "检查"
    assert text_in("zh", "检查").en == ""


def test_an_error_is_shown_in_the_readers_language_and_logged_in_english():
    error = LocalisedError("unknown_window", name="x")
    assert str(error) == "x is not one of hour, day, week, month, all"
    assert error.text("zh").startswith("x 不是")
