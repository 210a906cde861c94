"""Weights for the members of a composite: from what experts say, from what history shows, and from both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
from andon_quality.arrays import FloatArray
from andon_quality.weights import Mix, ahp, bwm, combined, critic, dynamic, entropy, group_judgements, merec
from andon_quality.weights import most_inconsistent as least_consistent

from services.scoring.scores.results import Score
from services.scoring.system.case_model import Text
from services.scoring.system.hierarchy import Node

PAIRWISE_RATIO_MAX, BEST_WORST_RATIO_MAX = 0.10, 0.25
WINDOWS_MIN = 10
EXPERT_SHARE, CAP = 0.5, 0.1


class DataMethod(Enum):
    ENTROPY = "entropy"
    CRITIC = "CRITIC"
    MEREC = "MEREC"


@dataclass(frozen=True)
class PairwiseJudgement:
    """matrix: shape (members, members); [i, j] says how many times as important as j the member i is."""

    expert: str
    matrix: FloatArray


@dataclass(frozen=True)
class BestWorstJudgement:
    """Shape (members,) each; 1 for the best in the first and for the worst in the second."""

    expert: str
    best_to_others: FloatArray
    others_to_worst: FloatArray


Judgements = Sequence[PairwiseJudgement] | Sequence[BestWorstJudgement]


@dataclass(frozen=True)
class Consistency:
    """ask_again: places of two members, and the ratio that the other judgements imply for them."""

    expert: str
    ratio: float
    is_consistent: bool
    ask_again: tuple[int, int, float] | None = None


@dataclass(frozen=True)
class PointHistory:
    """points: shape (windows, members), of the windows in which every member has points."""

    points: FloatArray
    left_out_count: int


@dataclass(frozen=True)
class ProposedWeights:
    """Weights by member, each set summing to 1. step: after one step of at most the cap, which goes `step_share` of the
    way."""

    now: FloatArray
    experts: FloatArray | None
    data: FloatArray | None
    proposed: FloatArray
    step: FloatArray
    step_share: float


def expert_weights(judgements: Judgements) -> tuple[FloatArray, list[Consistency]]:
    """Weights of all experts together, and how far each contradicts himself. Raises QualityError.

    Pairwise comparisons are combined before they are weighed, by their geometric mean (Aczel and Saaty, 1983); of
    best-worst judgements the weights are averaged.
    """
    pairwise = [one for one in judgements if isinstance(one, PairwiseJudgement)]
    if pairwise:
        group = group_judgements(np.stack([one.matrix for one in pairwise]))
        found = [_pairwise_consistency(one.expert, one.matrix) for one in pairwise]
        if len(pairwise) > 1:
            found.append(_pairwise_consistency("", group))
        return ahp(group, ratio_max=None).weights, found
    solved = [
        (one.expert, bwm(one.best_to_others, one.others_to_worst, ratio_max=None))
        for one in judgements
        if isinstance(one, BestWorstJudgement)
    ]
    mean = np.mean([one.weights for _, one in solved], axis=0)
    return mean / mean.sum(), [
        Consistency(expert, one.consistency_ratio, one.consistency_ratio <= BEST_WORST_RATIO_MAX)
        for expert, one in solved
    ]


def _pairwise_consistency(expert: str, matrix: FloatArray) -> Consistency:
    ratio = ahp(matrix, ratio_max=None).consistency_ratio
    consistent = ratio <= PAIRWISE_RATIO_MAX
    return Consistency(expert, ratio, consistent, None if consistent else least_consistent(matrix))


def history_of(scores: Sequence[Score], series: Sequence[str]) -> PointHistory:
    """The complete windows of some series, one of each member."""
    points: dict[int, dict[str, float]] = {}
    for score in scores:
        if score.complete:
            known = points.setdefault(score.window.start_us, {})
            if score.points is not None:
                known[score.series] = score.points
    rows = [[one[key] for key in series] for one in points.values() if len(one) == len(series)]
    return PointHistory(np.array(rows, dtype=np.float64).reshape(len(rows), len(series)), len(points) - len(rows))


def data_weights(method: DataMethod, points: FloatArray) -> FloatArray:
    """Raises QualityError where no member varies, or the method cannot take these points."""
    return {DataMethod.ENTROPY: entropy, DataMethod.CRITIC: critic, DataMethod.MEREC: merec}[method](points)


def proposal(
    now: FloatArray, experts: FloatArray | None, data: FloatArray | None, expert_share: float, mix: Mix, cap: float
) -> ProposedWeights:
    """At least one of experts and data. Raises QualityError where a geometric mix leaves no member."""
    if experts is not None and data is not None:
        wanted = combined(experts, data, expert_share, mix)
    elif experts is not None:
        wanted = experts
    elif data is not None:
        wanted = data
    else:
        raise ValueError("neither experts nor history was asked")
    step = dynamic(now, wanted, cap)
    return ProposedWeights(now, experts, data, wanted, step.after, step.share)


def shares_of(members: Sequence[Node]) -> FloatArray:
    """Of siblings, summing to 1."""
    given = np.array([one.weight for one in members])
    return np.asarray(given / given.sum())


def proposal_summary(members: Sequence[Node], found: ProposedWeights, consistencies: Sequence[Consistency]) -> Text:
    """What is proposed, and what to do where the judgements contradict themselves."""
    gap = found.proposed - found.now
    most = int(np.argmax(np.abs(gap)))
    title, before, after = members[most].title, 100 * found.now[most], 100 * found.proposed[most]
    en = f"The largest change: {title.en or members[most].name} from {before:.1f} % to {after:.1f} %"
    zh = f"变化最大：{title.zh or title.en or members[most].name} 从 {before:.1f} % 到 {after:.1f} %"
    if found.step_share < 1:
        en += f"; one step within the cap goes {100 * found.step_share:.0f} % of the way"
        zh += f"；在上限之内一步走完其中的 {100 * found.step_share:.0f} %"
    en, zh = en + ".", zh + "。"
    even = [] if found.data is None else [one for one, weight in zip(members, found.data, strict=True) if not weight]
    if even:
        names, names_zh = ", ".join(one.name for one in even), "、".join(one.name for one in even)
        en += (
            f" PointHistory gives no weight to what did not vary: {names}. That is not to say that it does not matter."
        )
        zh += f"历史方法对没有波动的成员不给权重：{names_zh}。这不代表其不重要。"
    wrong = [one for one in consistencies if not one.is_consistent]
    if wrong:
        names = ", ".join(one.expert or "all together" for one in wrong)
        names_zh = "、".join(one.expert or "合并后" for one in wrong)
        en += f" The judgements of {names} contradict themselves: ask again before you use them."
        zh += f"{names_zh} 的判断自相矛盾：使用前请重新询问。"
    return Text(en, zh)


def matrix_of(size: int, ratios: Mapping[tuple[int, int], float]) -> FloatArray:
    """Of one ratio for each pair of places."""
    matrix = np.eye(size)
    for (row, column), ratio in ratios.items():
        matrix[row, column], matrix[column, row] = ratio, 1 / ratio
    return matrix
