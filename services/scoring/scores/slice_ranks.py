"""How the values of a dimension rank by a composite, and how far the ranks depend on its weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from andon_quality.weights import rank_stability

from services.scoring.system.case_model import Text

DRAWS = 2_000
SURE = 0.9


@dataclass(frozen=True)
class RankedSlice:
    values: tuple[tuple[str, str], ...]
    points: float
    rank: int
    same_rank_share: float


@dataclass(frozen=True)
class SliceRanking:
    """Best first."""

    slices: list[RankedSlice]
    first_share: float
    margin: float | None
    summary: Text


def ranking_of(
    points: Mapping[tuple[tuple[str, str], ...], Sequence[float]], weights: Sequence[float], radius: float, seed: int
) -> SliceRanking:
    """points: of each slice those of each indicator, at least two slices; weights: of the indicators, relative.

    Raises QualityError.
    """
    names, table = list(points), np.array(list(points.values()))
    shares = np.array(weights) / sum(weights)
    found = rank_stability(table, shares, radius, DRAWS, seed)
    rows = zip(names, (table @ shares).tolist(), found.ranks.tolist(), found.kept.tolist(), strict=True)
    slices = sorted((RankedSlice(*row) for row in rows), key=lambda one: (one.rank, one.values))
    return SliceRanking(slices, found.first_kept, found.margin, _summary(slices, found.first_kept, found.margin))


def _summary(slices: Sequence[RankedSlice], first_share: float, margin: float | None) -> Text:
    first = ", ".join(value for _, value in slices[0].values)
    share = f"{100 * first_share:.0f} %"
    en, zh = (
        f"First is {first}, and stays so under {share} of other weights",
        f"第一是 {first}，在 {share} 的其他权重下仍是第一",
    )
    if margin is not None:
        en += f"; the smallest change of one weight that changes it is {100 * margin:.1f} percentage points"
        zh += f"；改变它的最小单个权重变动为 {100 * margin:.1f} 个百分点"
    if first_share < SURE:
        en += ": do not call it the best without saying so"
        zh += "：称其最佳时须说明这一点"
    return Text(en + ".", zh + "。")
