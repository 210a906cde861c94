"""Figures of a form against the mathematics and against figures worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from andon_quality.reliability import Disagreement, cohen, fleiss, krippendorff

from services.ingest.model import SourceId
from services.ingest.registry.forms.model import AgreementMethod, FormItem, Grade, ObservationForm
from services.ingest.registry.forms.report import (
    ObservedGrades,
    item_results,
    object_results,
    observed,
    rater_results,
)

ORDERED = FormItem("clean", grades=(Grade(1), Grade(2), Grade(4)))
CLASSES = FormItem("kind", grades=(Grade(0), Grade(1), Grade(2)), unordered=True)
WORDS = FormItem("remark")


def form(*items: FormItem, kind: str = "facility") -> ObservationForm:
    return ObservationForm(SourceId("rooms"), items or (ORDERED,), kind)


def graded(rows: list[tuple[str, str, list[float]]]) -> ObservedGrades:
    """Rater, thing and its grades, in order of time."""
    raters, things, grades = zip(*rows, strict=True)
    return observed(np.array(grades, float), np.arange(len(rows)), raters, things, ["object"] * len(rows))


def test_two_raters_agree_by_weighted_kappa_of_places_in_the_rubric() -> None:
    random = np.random.default_rng(1)
    first = random.integers(0, 3, 20)
    second = np.where(random.random(20) < 0.7, first, random.integers(0, 3, 20))
    values = np.array(ORDERED.values)
    rows = [("ann", f"t{n}", [values[place]]) for n, place in enumerate(first)]
    rows += [("bob", f"t{n}", [values[place]]) for n, place in enumerate(second)]
    # What only one of them graded says nothing, and of two grades by one rater the later counts.
    rows += [("ann", "alone", [1.0])]
    rows = [("ann", "t3", [values[(first[3] + 1) % 3]]), *rows]
    (found,) = item_results(form(), graded(rows), 0.95)
    assert (found.graded, found.missing) == (42, 0)
    agreement = found.agreement
    assert agreement is not None
    assert (agreement.things, agreement.ratings, agreement.pairs) == (20, 40, 20)
    assert agreement.method is AgreementMethod.COHEN
    expected = cohen(first, second, 3, Disagreement.QUADRATIC)
    assert agreement.kappa is not None
    assert agreement.kappa.value == pytest.approx(expected.kappa)
    assert (agreement.kappa.low, agreement.kappa.high) == pytest.approx(
        (expected.interval.lower, expected.interval.upper)
    )
    assert agreement.same_share == np.mean(first == second)


def test_more_raters_agree_by_fleiss_or_with_gaps_by_krippendorff() -> None:
    random = np.random.default_rng(2)
    places = random.integers(0, 3, (15, 3))
    rows = [(f"r{rater}", f"t{n}", [float(places[n, rater])]) for n in range(15) for rater in range(3)]
    counts = np.array([np.bincount(row, minlength=3) for row in places])
    (even,) = item_results(form(CLASSES), graded(rows), 0.95)
    assert even.agreement is not None
    assert even.agreement.kappa is not None
    assert even.agreement.method is AgreementMethod.FLEISS
    assert even.agreement.kappa.value == pytest.approx(fleiss(counts).kappa)
    assert even.mean is None
    (gaps,) = item_results(form(CLASSES), graded(rows[1:]), 0.95)
    counts[0, places[0, 0]] -= 1
    assert gaps.agreement is not None
    assert gaps.agreement.kappa is not None
    assert gaps.agreement.method is AgreementMethod.KRIPPENDORFF
    assert gaps.agreement.kappa.value == pytest.approx(krippendorff(counts).kappa)


def test_few_things_or_one_grade_throughout_give_no_kappa() -> None:
    rows = [(rater, f"t{n}", [1.0]) for n in range(9) for rater in ("ann", "bob")]
    (few,) = item_results(form(), graded(rows), 0.95)
    assert few.agreement is not None
    assert (few.agreement.things, few.agreement.kappa, few.agreement.same_share) == (9, None, 1.0)
    (alike,) = item_results(form(), graded([*rows, ("ann", "t9", [1.0]), ("bob", "t9", [1.0])]), 0.95)
    assert alike.agreement is not None
    assert (alike.agreement.things, alike.agreement.kappa) == (10, None)
    (none,) = item_results(form(), graded([("ann", "t", [np.nan])]), 0.95)
    assert (none.graded, none.missing) == (0, 1)
    assert none.agreement is not None
    assert none.agreement.same_share is None


def test_words_are_counted_and_a_mean_is_in_the_unit_of_the_grades() -> None:
    rows = [("ann", f"t{n}", [4.0 if n < 6 else 1.0, 1.0 if n < 2 else np.nan]) for n in range(12)]
    clean, remark = item_results(form(ORDERED, WORDS), graded(rows), 0.95)
    assert clean.mean is not None
    assert clean.mean.value == 2.5
    assert clean.grades == ((1.0, 6), (2.0, 0), (4.0, 6))
    assert (remark.graded, remark.missing, remark.grades, remark.agreement) == (2, 10, (), None)


def test_a_lenient_rater_grades_the_same_things_higher() -> None:
    rows = [("strict", f"t{n}", [1.0 + n % 2, np.nan]) for n in range(12)]
    rows += [("mild", f"t{n}", [4.0, np.nan]) for n in range(12)]
    rows += [("new", f"t{n}", [4.0, np.nan]) for n in range(9)]
    mild, new, strict = rater_results(form(ORDERED, WORDS), graded(rows), 0.95)
    assert (new.rater, new.observations, new.shared_things, new.leniency) == ("new", 9, 9, None)
    assert mild.leniency is not None
    assert strict.leniency is not None
    # Of the range of 3: above the strict one by 3 or 2; half of it where the new one agrees.
    apart = [(3.0 - n % 2) / 3 / (2 if n < 9 else 1) for n in range(12)]
    assert mild.leniency.value == pytest.approx(np.mean(apart))
    assert strict.leniency.value == pytest.approx(-np.mean([(3.0 - n % 2) / 3 for n in range(12)]))
    assert mild.leniency.low < mild.leniency.value < mild.leniency.high


def scored(kind: str, raters: list[str]) -> tuple[int, int, bool]:
    count = len(raters)
    data = observed(
        np.array([[2.0 if n % 2 else 4.0] for n in range(count)]),
        np.arange(count),
        raters,
        [f"t{n}" for n in range(count)],
        ["it"] * count,
    )
    (found,) = object_results(form(kind=kind), data, 0.95)
    return found.observations, found.raters, found.score is not None


def test_no_person_is_judged_by_a_few_observations_or_one_rater() -> None:
    assert scored("facility", ["ann"]) == (1, 1, False)
    assert scored("facility", ["ann", "ann"]) == (2, 1, True)
    assert scored("person", ["ann", "bob"] * 4) == (8, 2, False)
    assert scored("person", ["ann"] * 12) == (12, 1, False)
    assert scored("person", ["ann", "bob"] * 6) == (12, 2, True)


def test_a_form_without_observations_has_no_figures() -> None:
    data = observed(np.zeros((0, 2)), np.zeros(0, np.int64), [], [], [])
    both = form(ORDERED, WORDS)
    assert [(one.graded, one.missing, one.mean) for one in item_results(both, data, 0.95)] == [(0, 0, None)] * 2
    assert rater_results(both, data, 0.95) == []
    assert object_results(both, data, 0.95) == []
