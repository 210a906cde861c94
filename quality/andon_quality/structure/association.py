"""What occurs together: frequent sets of items and the rules between them, counted exactly."""

from __future__ import annotations

import math
from collections.abc import Collection, Hashable, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from andon_quality.arguments import checked
from andon_quality.errors import OutOfRange, TooFew
from andon_quality.result import Result

Item = TypeVar("Item", bound=Hashable)
Bits = NDArray[np.uint8]
COUNT_TOLERANCE = 1e-9


@dataclass(frozen=True)
class AssociationRule(Result, Generic[Item]):
    """When `given` occurs, `then` occurs too. support: share of all baskets with both; confidence: share of those with
    `given`; lift: confidence over the share of `then` (1 is independence); leverage: support minus what independence
    would give; conviction: (1 - share of `then`) / (1 - confidence), infinite for a rule without exception."""

    given: frozenset[Item]
    then: frozenset[Item]
    support: float
    confidence: float
    lift: float
    leverage: float
    conviction: float


@checked
def frequent_sets(
    baskets: Collection[Collection[Item]], support_min: float, size_max: int = 4
) -> dict[frozenset[Item], int]:
    """Every set of up to `size_max` items that occurs in at least support_min of the baskets, with its count.

    Level by level: a set is counted only when all its subsets are frequent; counts are of bits, exact. baskets: n >= 1
    collections of items (repeats within a basket count once); 0 < support_min <= 1. The order of baskets and of items
    does not matter. Assumes nothing but baskets of one kind. Prefer `association_rules` to know what goes with what.
    Cost O(candidate sets * n / 8 bytes). Raises TooFew, OutOfRange.
    Source: Agrawal and Srikant, 1994, VLDB 20:487.

    >>> found = frequent_sets([{"late", "rude"}, {"late"}, {"late", "rude"}, {"cold"}], support_min=0.5)
    >>> {tuple(sorted(items)): count for items, count in found.items()}
    {('late',): 3, ('rude',): 2, ('late', 'rude'): 2}
    """
    if len(baskets) < 1:
        raise TooFew("needs at least one basket")
    if not 0.0 < support_min <= 1.0 or size_max < 1:
        raise OutOfRange("support_min must lie in 0..1 and size_max be at least 1")
    least = max(math.ceil(support_min * len(baskets) - COUNT_TOLERANCE), 1)
    names, columns = _bit_columns(baskets)
    level: dict[tuple[int, ...], Bits] = {
        (place,): column for place, column in enumerate(columns) if _count(column) >= least
    }
    found: dict[tuple[int, ...], int] = {}
    while level:
        found |= {places: _count(bits) for places, bits in level.items()}
        level = _next_level(level, columns, least) if len(next(iter(level))) < size_max else {}
    return {frozenset(names[place] for place in places): count for places, count in found.items()}


def _bit_columns(baskets: Collection[Collection[Item]]) -> tuple[list[Item], list[Bits]]:
    where: dict[Item, list[int]] = {}
    for row, basket in enumerate(baskets):
        for item in set(basket):
            where.setdefault(item, []).append(row)
    names = sorted(where, key=lambda item: (str(type(item)), str(item)))
    columns = []
    for name in names:
        present = np.zeros(len(baskets), dtype=bool)
        present[where[name]] = True
        columns.append(np.packbits(present))
    return names, columns


def _count(bits: Bits) -> int:
    return int(np.bitwise_count(bits).sum())


def _next_level(level: Mapping[tuple[int, ...], Bits], columns: list[Bits], least: int) -> dict[tuple[int, ...], Bits]:
    heads: dict[tuple[int, ...], list[int]] = {}
    for places in level:
        heads.setdefault(places[:-1], []).append(places[-1])
    grown: dict[tuple[int, ...], Bits] = {}
    for head, lasts in heads.items():
        for first, second in combinations(sorted(lasts), 2):
            places = (*head, first, second)
            if all(places[:cut] + places[cut + 1 :] in level for cut in range(len(places))):
                bits = level[(*head, first)] & columns[second]
                if _count(bits) >= least:
                    grown[places] = bits
    return grown


@checked
def association_rules(
    baskets: Collection[Collection[Item]],
    support_min: float,
    confidence_min: float = 0.5,
    lift_min: float = 0.0,
    size_max: int = 4,
) -> tuple[AssociationRule[Item], ...]:
    """Every rule between frequent sets that is confident and lifted enough; strongest lift first.

    Assumes independent baskets where a rule is to hold for others. Rules are found by looking at many: check a rule of
    interest on other data before acting on it. Prefer `chi_square` for a rule that was stated beforehand. Parameters
    and errors as `frequent_sets`; 0 <= confidence_min <= 1, lift_min >= 0. Cost: that of `frequent_sets` and 2^size per
    frequent set. Source: Agrawal, Imielinski and Swami, 1993, SIGMOD Record 22:207.

    >>> rule = association_rules([{"late", "rude"}, {"late"}, {"late", "rude"}, {"cold"}], 0.5, 0.9)[0]
    >>> sorted(rule.given), sorted(rule.then), rule.confidence, round(rule.lift, 3)
    (['rude'], ['late'], 1.0, 1.333)
    """
    if not 0.0 <= confidence_min <= 1.0 or lift_min < 0.0:
        raise OutOfRange("confidence_min must lie in 0..1 and lift_min be at least 0")
    counts = frequent_sets(baskets, support_min, size_max)
    rules = [
        _rule(frozenset(given), whole, counts, len(baskets))
        for whole in counts
        for size in range(1, len(whole))
        for given in combinations(sorted(whole, key=str), size)
    ]
    kept = [rule for rule in rules if rule.confidence >= confidence_min and rule.lift >= lift_min]
    return tuple(sorted(kept, key=lambda rule: (-rule.lift, -rule.support, _text(rule.given), _text(rule.then))))


def _text(items: frozenset[Item]) -> list[str]:
    return sorted(map(str, items))


def _rule(
    given: frozenset[Item], whole: frozenset[Item], counts: Mapping[frozenset[Item], int], n: int
) -> AssociationRule[Item]:
    then = whole - given
    both, left, right = counts[whole], counts[given], counts[then]
    conviction = (n - right) * left / (n * (left - both)) if left > both else math.inf
    lift, leverage = both * n / (left * right), both / n - left * right / n**2
    return AssociationRule(given, then, both / n, both / left, lift, leverage, conviction)
