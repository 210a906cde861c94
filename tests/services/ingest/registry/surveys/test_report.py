"""Figures of a survey against the mathematics and against figures worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from andon_quality.reliability import cronbach

from services.ingest.model import SourceId
from services.ingest.registry.surveys.model import AnswerIndex, AnswerScale, InvitationTally, Item, Survey
from services.ingest.registry.surveys.report import dimension_results, item_results, response_rate


def survey(*items: Item) -> Survey:
    return Survey(SourceId("visit"), items)


def test_nobody_reached_has_no_response_rate() -> None:
    assert response_rate(InvitationTally("", undeliverable=3), 0.95) is None


def test_an_answer_left_open_is_counted_as_missing_and_in_no_figure() -> None:
    asked = survey(Item("a", scale=AnswerScale(0, 10, AnswerIndex.NPS)))
    column = np.array([10, 9, 9, 8, 7, 6, 10, 3, 9, 10, np.nan, np.nan])
    (found,) = item_results(asked, column[:, None], 0.95)
    assert (found.answered, found.missing) == (10, 2)
    assert found.index is not None
    # Six of ten are 9 or 10, two are 6 or less.
    assert found.index.value == pytest.approx(40.0)
    assert [count for _, count in found.answers] == [0, 0, 0, 1, 0, 0, 1, 1, 1, 3, 3]


def test_a_dimension_of_scales_that_differ_has_no_mean() -> None:
    items = (Item("a", scale=AnswerScale(1, 5), dimension="d"), Item("b", scale=AnswerScale(0, 10), dimension="d"))
    table = np.random.default_rng(7).integers(1, 6, (20, 2)).astype(float)
    (found,) = dimension_results(survey(*items), table, 0.95)
    assert found.mean is None
    assert found.alpha is not None
    assert found.alpha.value == pytest.approx(cronbach(table).alpha)


def test_too_few_or_equal_answers_give_no_figure() -> None:
    items = (Item("a", scale=AnswerScale(1, 5), dimension="d"), Item("b", scale=AnswerScale(1, 5), dimension="d"))
    (few,) = dimension_results(survey(*items), np.ones((9, 2)), 0.95)
    assert (few.complete, few.mean, few.alpha) == (9, None, None)
    (equal,) = dimension_results(survey(*items), np.ones((12, 2)), 0.95)
    assert equal.alpha is None
    assert equal.mean is not None
    assert (equal.mean.value, equal.mean.low, equal.mean.high) == (1.0, 1.0, 1.0)
