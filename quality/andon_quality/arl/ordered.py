"""The exact run length when rules about the order of values join rules about zones: trends and alternation."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from andon_quality.arl.krylov import gmres
from andon_quality.arl.quadrature import normal_density, unit_nodes
from andon_quality.arrays import FloatArray, IntArray
from andon_quality.errors import OutOfRange
from andon_quality.rules import Pattern, Rule

UNKNOWNS_MOST = 1_500_000
# Beyond this many sigma from the mean a point has a probability of 1e-17.
REACH = 8.5


def ordered_mean(rules: tuple[Rule, ...], ahead: IntArray, lines: FloatArray, shift: float) -> float:
    """The mean run length under `rules` (TREND and ALTERNATING) and a chain of zone rules.

    ahead: the zone chain, shape (states, zones), the number of states for an alarm; lines: shape (zones - 1,), between
    the zones. The state is that of the zone chain, the steps so far (direction, how many alike, how many turns) and
    the last value x: V(x) = 1 + int_x^inf V_up(y) phi(y - shift) dy + int_-inf^x V_down(y) phi(y - shift) dy, by
    collocation on each zone, where V is smooth, with integrals up to x that are exact for the interpolating
    polynomials; GMRES. Nine digits. Cost about 25 products of states x steps x nodes^2: milliseconds with one zone
    rule, a fifth of a second with Western Electric's four and a trend, seconds for all of Nelson's.
    Raises OutOfRange for more than 1.5 million unknowns.
    Source of the rules: Nelson (1984), Journal of Quality Technology 16, 237-239; Davis and Woodall (1988), ibid. 20,
    260-262, on what a trend rule is worth (little, against a lasting trend as well).

    >>> from andon_quality.rules import NELSON
    >>> round(ordered_mean((NELSON[2],), np.array([[0]]), np.zeros(0), 0.0), 4)
    421.6029
    """
    up, down = _steps(rules)
    values, zone, mass, above, below = _quadrature(ahead, lines, shift)
    states, steps, nodes = len(ahead), len(up), len(values)
    if states * steps * nodes > UNKNOWNS_MOST:
        raise OutOfRange(f"{states} zone states with {steps} step states: too many rules at once")
    following = ahead[:, zone]
    alarmed = following == states
    following = np.where(alarmed, 0, following)

    def onwards(means: FloatArray) -> FloatArray:
        """means: (states, steps, nodes) -> the mean of what follows each."""
        after = means[following[:, None, :], np.arange(steps)[None, :, None], np.arange(nodes)]
        after = np.where(alarmed[:, None, :], 0.0, after)
        after = np.concatenate([after, np.zeros((states, 1, nodes))], axis=1)
        return np.asarray((after @ above.T)[:, up] + (after @ below.T)[:, down])

    def escape(flat: FloatArray) -> FloatArray:
        means = flat.reshape(states, steps, nodes)
        return np.asarray((means - onwards(means)).ravel())

    means = gmres(escape, np.ones(states * steps * nodes)).reshape(states, steps, nodes)
    first = np.where(alarmed[0], 0.0, means[following[0], 0, np.arange(nodes)])
    return float(1.0 + mass @ first)


def _steps(rules: tuple[Rule, ...]) -> tuple[IntArray, IntArray]:
    """The step states, none taken first, and where a step up or down leads; their number stands for the alarm."""
    alike = min((rule.n - 1 for rule in rules if rule.pattern is Pattern.TREND), default=0)
    turns = min((rule.n - 2 for rule in rules if rule.pattern is Pattern.ALTERNATING), default=0)
    found = [(0, 0, 0)]
    rows: list[tuple[int, int]] = []
    for state in found:
        leads = []
        for direction in (1, -1):
            later = _stepped(state, direction, alike, turns)
            if later is not None and later not in found:
                found.append(later)
            leads.append(-1 if later is None else found.index(later))
        rows.append((leads[0], leads[1]))
    table = np.array(rows, dtype=np.int64)
    table = np.where(table < 0, len(found), table)
    return table[:, 0], table[:, 1]


def _stepped(state: tuple[int, int, int], direction: int, alike: int, turns: int) -> tuple[int, int, int] | None:
    before, same, turned = state
    same, turned = (same + 1, 0) if direction == before else (1, turned + (before != 0))
    if (alike and same >= alike) or (turns and turned >= turns):
        return None
    return direction, same if alike else 1, turned if turns else 0


def _quadrature(
    ahead: IntArray, lines: FloatArray, shift: float
) -> tuple[FloatArray, IntArray, FloatArray, FloatArray, FloatArray]:
    """Nodes in the zones where the chart can live, their zone and mass, and the integrals above and below each."""
    edges = np.clip(np.concatenate([[-np.inf], lines, [np.inf]]), shift - REACH, shift + REACH)
    lives = [
        (at, low, high)
        for at, (low, high) in enumerate(pairwise(edges))
        if high > low and (ahead[:, at] < len(ahead)).any()
    ]
    panels = [_panel(low, high) for _, low, high in lives]
    values = np.concatenate([nodes for nodes, _, _ in panels])
    zone = np.repeat([at for at, _, _ in lives], [len(nodes) for nodes, _, _ in panels])
    density = normal_density(values - shift)
    mass = np.concatenate([weights for _, weights, _ in panels]) * density
    above = np.triu(np.ones((len(values), len(values)))) * mass
    begin = 0
    for _, weights, beyond in panels:
        own = slice(begin, begin + len(weights))
        above[own, own] = beyond * density[own]
        begin += len(weights)
    return values, zone, mass, above, mass - above


def _panel(low: float, high: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Nodes and weights of a panel and, for each node, the weights of the integral from it to the panel's end."""
    size = 8 + int(np.ceil(2.0 * (high - low)))
    nodes, weights = unit_nodes(size)
    half = 0.5 * (high - low)
    to_coefficients = np.polynomial.legendre.legvander(nodes, size - 1).T * weights
    to_coefficients *= (np.arange(size) + 0.5)[:, None]
    # int_t^1 P_m = (P_{m-1}(t) - P_{m+1}(t)) / (2 m + 1), and 1 - t for m = 0.
    legendre = np.polynomial.legendre.legvander(nodes, size)
    integrals = np.empty((size, size))
    integrals[:, 0] = 1.0 - nodes
    order = np.arange(1, size)
    integrals[:, 1:] = (legendre[:, :-2] - legendre[:, 2:]) / (2.0 * order + 1.0)
    return low + half * (1.0 + nodes), half * weights, half * integrals @ to_coefficients
