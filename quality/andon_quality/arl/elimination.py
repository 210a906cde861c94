"""Mean runs of many charts on one chain, by substituting all of its states but those that close its cycles."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from andon_quality.arl.run_length import solved
from andon_quality.arrays import FloatArray, IntArray


def substituted_means(ahead: IntArray, probabilities: FloatArray) -> FloatArray:
    """The mean run from state 0 of each chart, shape (charts,).

    ahead: shape (states, zones), where each zone leads, the number of states for the alarm; probabilities: shape
    (charts, zones). Without its `loop` the chain has no cycle, so L = 1 + sum p L makes every other state's mean a
    positive combination of the loop's, level by level; what is left is one small dense solve. No differences, so no
    digits are lost. Cost states x zones x loop for each chart: of the 215 states of Western Electric's four rules 35
    are the loop, of the 567 of Nelson's six about zones 55. Infinite where a chart all but never alarms.

    >>> heads = np.array([[0, 1], [0, 2]])
    >>> substituted_means(heads, np.array([[0.5, 0.5]])).tolist()
    [6.0]
    """
    states, zones = ahead.shape
    plan = _plan(ahead.tobytes(), states)
    loop, charts = plan.loop, len(probabilities)
    # Of each state the shares of the loop's means, the chance to alarm before, and the constant. Charts come last.
    shares = np.zeros((states + 1, len(loop) + 2, charts))
    shares[loop, np.arange(len(loop))] = 1.0
    shares[states, -2] = 1.0

    def onward(level: IntArray) -> FloatArray:
        total: FloatArray = np.zeros((len(level), *shares.shape[1:]))
        if charts == 1:
            total[..., 0] = np.matmul(probabilities[0], shares[ahead[level], :, 0])
        else:
            for zone in range(zones):
                total += probabilities[:, zone] * shares[ahead[level, zone]]
        total[:, -1] += 1.0
        return total

    for level in plan.levels:
        shares[level] = onward(level)
    closing = np.moveaxis(onward(loop), -1, 0)
    means = solved(closing[..., :-2], closing[..., -2], closing[..., -1])
    finite = np.where(np.isinf(means), 0.0, means)
    first = np.einsum("lc,cl->c", shares[0, :-2], finite) + shares[0, -1]
    return np.where(np.isinf(means).any(axis=1), np.inf, first)


@dataclass(frozen=True)
class _Plan:
    """loop: states without which there is no cycle. levels: the others, each after all that it leads to."""

    loop: IntArray
    levels: tuple[IntArray, ...]


@lru_cache(maxsize=64)
def _plan(chain: bytes, states: int) -> _Plan:
    ahead = np.frombuffer(chain, dtype=np.int64).reshape(states, -1)
    loop = _loop([set(row[row < states].tolist()) for row in ahead])
    known = np.zeros(states + 1, dtype=bool)
    known[[*loop, states]] = True
    levels = []
    while not known.all():
        level = np.flatnonzero(~known[:-1] & known[ahead].all(axis=1))
        known[level] = True
        levels.append(level)
    return _Plan(np.array(loop, dtype=np.int64), tuple(levels))


def _loop(after: list[set[int]]) -> list[int]:
    """States that every cycle passes, few of them: those that lead to themselves, then the best connected."""
    before: list[set[int]] = [set() for _ in after]
    for state, onward in enumerate(after):
        for later in onward:
            before[later].add(state)
    left, loop = set(range(len(after))), []
    dropped = [state for state in left if not after[state] or not before[state]]
    while left:
        if not dropped:
            chosen = max(
                left, key=lambda state: (state in after[state], len(after[state]) * len(before[state]), -state)
            )
            loop.append(chosen)
            dropped.append(chosen)
        state = dropped.pop()
        left.discard(state)
        for neighbours, others in ((after, before), (before, after)):
            for other in neighbours[state]:
                others[other].discard(state)
                if other in left and not others[other]:
                    dropped.append(other)
            neighbours[state] = set()
    return loop
