"""Which slice moved the figure: contributions that add up to the change, and whether one of them dominates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from andon_quality.contribution import ratio
from andon_quality.errors import QualityError

from services.improvement.model import Cause, Slice, Text

CAUSES_MAX = 5
# One value dominates when it carries most of the change, and clearly more of it than of the cases.
SHARE_MIN = 0.6
SURPLUS_MIN = 1.5


@dataclass(frozen=True)
class SliceSums:
    """Sum of the measure and number of cases of one slice, in phase I and in the windows that alarmed."""

    total_before: float
    count_before: float
    total_after: float
    count_after: float


@dataclass(frozen=True)
class Evidence:
    """What scoring says of an occurrence: the indicator's title and, per dimension, the sums of its values."""

    title: Text
    by_dimension: Mapping[str, Mapping[str, SliceSums]] = field(default_factory=dict)


@dataclass(frozen=True)
class Ranking:
    """`slice`: the one that dominates. Empty: the whole changed alike."""

    slice: Slice
    causes: tuple[Cause, ...]


@dataclass(frozen=True)
class _Candidate:
    dimension: str
    value: str
    share: float
    surplus: float


def rank(evidence: Evidence, problem: str, series: str) -> Ranking:
    """Shares of one dimension sum to 1; candidates of all dimensions are ordered by how far their share of the change
    exceeds their share of the cases. A dimension whose change cannot be split is left out.
    """
    candidates = [one for name, sums in evidence.by_dimension.items() for one in _candidates(name, sums)]
    candidates.sort(key=lambda one: (-one.surplus, one.dimension, one.value))
    dominant = [one for one in candidates if one.share >= SHARE_MIN and one.surplus >= SURPLUS_MIN]
    if not dominant:
        title = Text("All cases; no slice dominates", "全部案例；没有占主导的切片")
        whole = Cause(name=f"{problem}/causes/whole", title=title, contribution=1.0, evidence=(series,))
        return Ranking((), (whole, *_as_causes(candidates[: CAUSES_MAX - 1], problem, series)))
    top = dominant[0]
    rest = [one for one in candidates if one != top][: CAUSES_MAX - 1]
    return Ranking(((top.dimension, top.value),), _as_causes([top, *rest], problem, series))


def _candidates(dimension: str, sums: Mapping[str, SliceSums]) -> list[_Candidate]:
    cases = sum(one.count_after for one in sums.values())
    if len(sums) < 2 or not cases:
        return []
    try:
        split = ratio(
            {value: one.total_before for value, one in sums.items()},
            {value: one.count_before for value, one in sums.items()},
            {value: one.total_after for value, one in sums.items()},
            {value: one.count_after for value, one in sums.items()},
        )
    except QualityError:
        return []
    return [
        _Candidate(dimension, part.value, part.share, part.share * cases / sums[part.value].count_after)
        for part in split.parts
        if part.share is not None and part.share > 0 and sums[part.value].count_after
    ]


def _as_causes(candidates: list[_Candidate], problem: str, series: str) -> tuple[Cause, ...]:
    return tuple(
        Cause(
            name=f"{problem}/causes/{one.dimension}-{index}",
            title=Text(f"{one.dimension} = {one.value}", f"{one.dimension} = {one.value}"),
            slice=((one.dimension, one.value),),
            contribution=one.share,
            evidence=(series,),
        )
        for index, one in enumerate(candidates, start=1)
    )
