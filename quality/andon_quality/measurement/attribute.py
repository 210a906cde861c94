"""Attribute agreement: whether appraisers judge a part the same twice, like each other, and as it truly is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from andon_quality.arguments import checked
from andon_quality.arrays import BoolArray, IntArray
from andon_quality.errors import Inconsistent, NoSpread, OutOfRange, TooFew
from andon_quality.inference.proportion import clopper_pearson
from andon_quality.reliability import Agreement, cohen, fleiss
from andon_quality.result import Result


@dataclass(frozen=True)
class AgreementShare(Result):
    """Of so many parts the share on which all judgements agree, with its exact interval, and kappa.

    who: "A" with themselves, "A, B" of a pair, "all". kappa None where every judgement is one and the same.
    """

    who: str
    parts: int
    agreeing: int
    share: float
    lower: float
    upper: float
    kappa: float | None


@dataclass(frozen=True)
class ErrorShare(Result):
    """Of the judgements of one appraiser: the share of bad parts called good, and of good parts called bad."""

    who: str
    miss_share: float
    false_alarm_share: float


@dataclass(frozen=True)
class AttributeStudy(Result):
    """within: each appraiser with themselves; pairs: two appraisers trial by trial, with Cohen's kappa; between: all.

    against_reference: each appraiser, all trials, with the reference (AIAG's effectiveness), then all of them together;
    errors: with a reference of two grades, 0 bad and 1 good. Both empty without a reference.
    """

    within: tuple[AgreementShare, ...]
    pairs: tuple[AgreementShare, ...]
    between: AgreementShare
    against_reference: tuple[AgreementShare, ...]
    errors: tuple[ErrorShare, ...]


@checked
def attribute_agreement(
    judgements: ArrayLike,
    grades: int,
    reference: ArrayLike | None = None,
    appraisers: Sequence[str] | None = None,
    confidence: float = 0.95,
) -> AttributeStudy:
    """Agreement of appraisers who grade parts, some of them more than once, within, between and with the truth.

    A part agrees where all judgements that are compared are the same; the share of such parts has a Clopper-Pearson
    interval. Kappa within and between is Fleiss's over all judgements of a part, of pairs and against the reference
    Cohen's over judgements, trial by trial. judgements: shape (parts >= 3, appraisers, trials), integers
    0..grades - 1; reference: shape (parts,), the same grades. appraisers: their names, A, B, C unless given. Assumes
    parts that appraisers do not recognise. Shares of agreement depend on how hard the parts were: look at kappa too,
    and for ordered grades at `reliability.cohen` with weights. Cost O(judgements x appraisers).
    Raises TooFew, NotFinite, OutOfRange for other grades, Inconsistent.
    Sources: AIAG, Measurement Systems Analysis, 4th ed. (2010), III C; Fleiss, 1971, Psychological Bulletin 76:378;
    Cohen, 1960, Educational and Psychological Measurement 20:37.

    >>> found = attribute_agreement([[[1, 1], [1, 1]], [[0, 0], [0, 1]], [[0, 0], [0, 0]]], 2, [1, 0, 0])
    >>> [round(each.share, 2) for each in found.within], [round(each.share, 2) for each in found.against_reference]
    ([1.0, 0.67], [1.0, 0.67, 0.67])
    """
    given = np.asarray(judgements, dtype=np.float64)
    if given.ndim != 3 or given.shape[0] < 3:
        raise TooFew(f"needs at least 3 parts by appraisers by trials, got shape {given.shape}")
    table = _graded(given, grades)
    parts, people, trials = table.shape
    names = list(appraisers) if appraisers is not None else [chr(ord("A") + at % 26) for at in range(people)]
    if len(names) != people:
        raise Inconsistent(f"needs a name for each of {people} appraisers, got {len(names)}")
    if people * trials < 2:
        raise TooFew("needs at least two judgements of a part")

    def shared(who: str, agreeing: BoolArray, kappa: Agreement | None) -> AgreementShare:
        hits = int(agreeing.sum())
        lower, upper = clopper_pearson(hits, parts, confidence)
        value = None if kappa is None else float(kappa.kappa)
        return AgreementShare(who, parts, hits, hits / parts, float(lower), float(upper), value)

    everyone = table.reshape(parts, people * trials)
    within = [shared(name, _same(table[:, at]), _fleiss(table[:, at], grades)) for at, name in enumerate(names)]
    pairs = [
        shared(
            f"{names[one]}, {names[two]}",
            _same(table[:, [one, two]].reshape(parts, -1)),
            _cohen(table[:, one].ravel(), table[:, two].ravel(), grades),
        )
        for one, two in combinations(range(people), 2)
    ]
    true: list[AgreementShare] = []
    errors: list[ErrorShare] = []
    if reference is not None:
        truth = _graded(np.asarray(reference, dtype=np.float64), grades)
        if truth.shape != (parts,):
            raise Inconsistent(f"needs a reference for each of {parts} parts, got shape {truth.shape}")
        each = [(name, table[:, at]) for at, name in enumerate(names)]
        for name, mine in [*each, *([("all", everyone)] if people > 1 else [])]:
            kappa = _cohen(mine.ravel(), np.repeat(truth, mine.shape[1]), grades)
            true.append(shared(name, np.asarray((mine == truth[:, None]).all(axis=1)), kappa))
        if grades == 2 and 0 < truth.sum() < parts:
            errors = [
                ErrorShare(name, float(mine[truth == 0].mean()), float((1 - mine[truth == 1]).mean()))
                for name, mine in each
            ]
    return AttributeStudy(
        within=tuple(within) if trials > 1 else (),
        pairs=tuple(pairs),
        between=shared("all", _same(everyone), _fleiss(everyone, grades)),
        against_reference=tuple(true),
        errors=tuple(errors),
    )


def _graded(values: NDArray[np.float64], grades: int) -> IntArray:
    if grades < 2:
        raise OutOfRange("needs at least two grades")
    # NaN is no grade either: comparisons with it are false.
    if not ((values >= 0) & (values < grades) & (values == np.floor(values))).all():
        raise OutOfRange(f"grades must be integers 0..{grades - 1}")
    return values.astype(np.int64)


def _same(judged: IntArray) -> BoolArray:
    return np.asarray((judged == judged[:, :1]).all(axis=1))


def _fleiss(judged: IntArray, grades: int) -> Agreement | None:
    """None where one grade fills the table, or all of it but one part: chance alone would agree as well."""
    if judged.shape[1] < 2:
        return None
    try:
        return fleiss((judged[:, :, None] == np.arange(grades)).sum(axis=1))
    except NoSpread:
        return None


def _cohen(first: IntArray, second: IntArray, grades: int) -> Agreement | None:
    try:
        return cohen(first, second, grades)
    except NoSpread:
        return None
