"""The exact run length when rules about the order of values join rules about zones: trends and alternation."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

import numpy as np

from andon_quality.arl.krylov import gmres
from andon_quality.arl.quadrature import normal_density, unit_nodes
from andon_quality.arl.run_length import RunLength
from andon_quality.arl.steps import Steps, steps_of
from andon_quality.arrays import FloatArray, IntArray
from andon_quality.errors import OutOfRange
from andon_quality.rules import Rule

UNKNOWNS_MOST = 1_500_000
# A kernel of more states would take minutes for a quantile.
KERNEL_MOST = 1500
# So few unknowns are quicker to solve for than to iterate on.
DENSE_MOST = 160
# Beyond this many sigma from the mean a point has a probability of 1e-17.
REACH = 8.5


def ordered_mean(rules: tuple[Rule, ...], ahead: IntArray, lines: FloatArray, shift: float) -> float:
    """The mean run length under `rules` (TREND and ALTERNATING) and a chain of zone rules.

    ahead: the zone chain, shape (states, zones), the number of states for an alarm; lines: shape (zones - 1,), between
    the zones. The state is that of the zone chain, the steps so far (`steps`) and the last value x:
    V(x) = 1 + int_x^inf V_up(y) phi(y - shift) dy + int_-inf^x V_down(y) phi(y - shift) dy, by collocation on each
    zone, where V is smooth, with integrals up to x that are exact for the interpolating polynomials. A zone state has
    its last value in one zone, or two, and is kept there only (`_Places`); all step states but two follow from these by
    substitution, and without a shift one of them is the image of the other; GMRES for what is left. Nine digits.
    Cost about twelve passes over places x steps x nodes^2: 1 to 4 ms with rules about the limits, ten with the four of
    Western Electric and a trend, 50 with all of Nelson's.
    Raises OutOfRange for more than 1.5 million unknowns.
    Source of the rules: Nelson (1984), Journal of Quality Technology 16, 237-239; Davis and Woodall (1988), ibid. 20,
    260-262, on what a trend rule is worth (little, against a lasting trend as well).

    >>> from andon_quality.rules import NELSON
    >>> round(ordered_mean((NELSON[2],), np.array([[0]]), np.zeros(0), 0.0), 4)
    421.6029
    """
    # The order of values alone knows nothing of their mean.
    shift = shift if len(lines) else 0.0
    steps, places = steps_of(rules), _places(ahead, lines, shift)
    if places.mass.size * steps.count > UNKNOWNS_MOST:
        raise OutOfRange(f"{len(ahead)} zone states with {steps.count} step states: too many rules at once")
    means = _before_any_step(steps, places, mirrored=shift == 0.0)
    first = np.append((means * places.mass).sum(axis=1), 0.0)
    return float(1.0 + first[places.first].sum())


def ordered_run(rules: tuple[Rule, ...], ahead: IntArray, lines: FloatArray, shift: float) -> RunLength:
    """The whole distribution behind `ordered_mean`, for sets whose kernel is small: a trend with rules about the limit.

    Raises OutOfRange for more than 1,500 states.

    >>> from andon_quality.rules import NELSON
    >>> ordered_run((NELSON[2],), np.array([[0]]), np.zeros(0), 0.0).quantile(0.5)
    294
    """
    steps, places = steps_of(rules), _places(ahead, lines, shift)
    count, size = places.mass.shape
    states = steps.count * count * size
    if states > KERNEL_MOST:
        raise OutOfRange("the distribution is known for few rules only; `shewhart` knows the mean of these")
    # One more step state and one more place stand for the alarm; both are dropped at the end.
    kernel = np.zeros((steps.count, count, size, steps.count + 1, count + 1, size))
    for step, (up, down) in enumerate(zip(steps.up, steps.down, strict=True)):
        for place, own in enumerate(places.own):
            upward = places.upward[places.zone[place]]
            kernel[step, place, :, up, own] += upward
            kernel[step, place, :, down, own] += places.mass[place] - upward
            for further, towards in ((places.above[place], up), (places.below[place], down)):
                for there in further[further < count]:
                    kernel[step, place, :, towards, there] += places.mass[there]
    # Before the first point there is no last value: one more state, which nothing leads to.
    full = np.zeros((states + 1, states + 1))
    full[:-1, :-1] = kernel[:, :, :, :-1, :-1].reshape(states, states)
    for there in places.first[places.first < count]:
        full[-1, there * size : (there + 1) * size] = places.mass[there]
    return RunLength(full, np.eye(1, states + 1, states)[0])


def _before_any_step(steps: Steps, places: _Places, mirrored: bool) -> FloatArray:
    """The means after a first point, shape (places, nodes)."""
    looped = [step for step in steps.loop if not mirrored or steps.direction[step] > 0]
    parts, unknowns = (len(looped), *places.mass.shape), len(looped) * places.mass.size

    def onwards(values: FloatArray, constant: float) -> tuple[FloatArray, FloatArray]:
        """What values of the loop, shape (..., unknowns), become after one more round; the means before any step."""
        known = dict(zip(looped, np.moveaxis(values.reshape(*values.shape[:-1], *parts), -3, 0), strict=True))
        means = _substituted(steps, places, known, constant, mirrored)
        rounds = [_onward(step, steps, places, means, constant, mirrored) for step in looped]
        return np.stack(rounds, axis=-3).reshape(values.shape) if rounds else values, means[0].values

    right, means = onwards(np.zeros(unknowns), 1.0)
    if not looped:
        return means
    if unknowns <= DENSE_MOST:
        ahead = onwards(np.eye(unknowns), 0.0)[0].T
        return onwards(np.asarray(np.linalg.solve(np.eye(unknowns) - ahead, right)), 1.0)[1]
    return onwards(gmres(lambda values: values - onwards(values, 0.0)[0], right), 1.0)[1]


@dataclass
class _After:
    """The means after some step, and once they are asked for those of what follows a rise from, or a fall to, it."""

    values: FloatArray
    rise: FloatArray | None = None
    fall: FloatArray | None = None


def _substituted(
    steps: Steps, places: _Places, known: dict[int, FloatArray], constant: float, mirrored: bool
) -> dict[int, _After]:
    """Every step state's means from those of the loop; only those of one direction when they are mirror images."""
    means = {step: _After(values) for step, values in known.items()}
    for step in steps.order:
        if step not in means and not (mirrored and steps.direction[step] < 0):
            means[step] = _After(_onward(step, steps, places, means, constant, mirrored))
    return means


def _onward(
    step: int, steps: Steps, places: _Places, means: dict[int, _After], constant: float, mirrored: bool
) -> FloatArray:
    """`constant` and the mean of what follows each place and value after this step."""
    total: FloatArray = np.full(places.mass.shape, constant)
    if (up := steps.up[step]) < steps.count:
        total = total + _rise(means[up], places)
    if (down := steps.down[step]) < steps.count:
        fall = places.mirrored(_rise(means[steps.mirror[down]], places)) if mirrored else _fall(means[down], places)
        total = total + fall
    return total


def _rise(after: _After, places: _Places) -> FloatArray:
    after.rise = places.upwards(after.values) if after.rise is None else after.rise
    return after.rise


def _fall(after: _After, places: _Places) -> FloatArray:
    after.fall = places.downwards(after.values) if after.fall is None else after.fall
    return after.fall


@dataclass(frozen=True)
class _Places:
    """Where the chart can be after a point: a state of the zone chain with the zone it was reached through, by zone.

    first, above, below: shape (zones,) and (places, zones): the place after a value there; the number of places for
    an alarm, and also for a zone that is not above (below). own: shape (places,), after a value in the same zone.
    zone, image: shape (places,), its zone and the place on the other side. ends: where each zone's places end. mass:
    shape (places, nodes), the masses of the zone's nodes. upward: of each zone, the masses of the integral from each
    node to the zone's end, shape (nodes, nodes). All means have the shape (..., places, nodes).
    """

    first: IntArray
    own: IntArray
    above: IntArray
    below: IntArray
    zone: IntArray
    image: IntArray
    ends: tuple[int, ...]
    mass: FloatArray
    upward: dict[int, FloatArray]

    def upwards(self, means: FloatArray) -> FloatArray:
        """The mean of what follows a rise."""
        own, sums = self._gathered(means)
        result = self._within(own)
        result += sums[..., self.above].sum(axis=-1)[..., None]
        return result

    def downwards(self, means: FloatArray) -> FloatArray:
        """The mean of what follows a fall."""
        own, sums = self._gathered(means)
        result = -self._within(own)
        result += (sums[..., self.below].sum(axis=-1) + (own * self.mass).sum(axis=-1))[..., None]
        return result

    def mirrored(self, means: FloatArray) -> FloatArray:
        return np.asarray(means[..., self.image, ::-1])

    def _gathered(self, means: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The means after another value in the same zone, and each place's integral, with zero for the alarm."""
        alarm = np.zeros((*means.shape[:-2], 1, means.shape[-1]))
        sums = np.concatenate([(means * self.mass).sum(axis=-1), alarm[..., :1, 0]], axis=-1)
        return np.concatenate([means, alarm], axis=-2)[..., self.own, :], sums

    def _within(self, own: FloatArray) -> FloatArray:
        result = np.empty_like(own)
        begin = 0
        for end, upward in zip(self.ends, self.upward.values(), strict=True):
            result[..., begin:end, :] = own[..., begin:end, :] @ upward.T
            begin = end
        return result


def _places(ahead: IntArray, lines: FloatArray, shift: float) -> _Places:
    edges = np.clip(np.concatenate([[-np.inf], lines, [np.inf]]), shift - REACH, shift + REACH)
    live = {zone: (low, high) for zone, (low, high) in enumerate(pairwise(edges)) if high > low}
    graph = _graph(ahead.tobytes(), len(ahead), tuple(live))
    reached = list(dict.fromkeys(graph.zone.tolist()))
    size = 8 + int(np.ceil(2.0 * max(live[at][1] - live[at][0] for at in reached)))
    panels = {at: _panel(*live[at], size, shift) for at in reached}
    mass = np.array([panels[at][0] for at in graph.zone.tolist()])
    return replace(graph, mass=mass, upward={at: upward for at, (_, upward) in panels.items()})


@lru_cache(maxsize=64)
def _graph(chain: bytes, states: int, live: tuple[int, ...]) -> _Places:
    """The places without masses: they depend on the zone chain and on the zones that a value can reach, only."""
    ahead = np.frombuffer(chain, dtype=np.int64).reshape(states, -1)
    zones = ahead.shape[1]
    found = [(zone, state) for zone in live for state in np.unique(ahead[:, zone]) if state < states]
    zone, state = np.array(found, dtype=np.int64).reshape(-1, 2).T
    place = np.full((states + 1, zones), len(found))
    place[state, zone] = np.arange(len(found))
    onward = place[ahead, np.arange(zones)]
    there = np.arange(zones) - zone[:, None]
    return _Places(
        onward[0],
        onward[state, zone],
        np.where(there > 0, onward[state], len(found)),
        np.where(there < 0, onward[state], len(found)),
        zone,
        place[_images(ahead)[state], zones - 1 - zone],
        tuple(np.flatnonzero(np.append(np.diff(zone), 1)) + 1),
        np.zeros((len(found), 0)),
        {},
    )


def _images(ahead: IntArray) -> IntArray:
    """Each state with the two sides exchanged, shape (states + 1,): every rule is the same on either side."""
    states = len(ahead)
    image = [-1] * states + [states]
    image[0] = 0
    queue = [0]
    for state in queue:
        for onward, across in zip(ahead[state].tolist(), ahead[image[state], ::-1].tolist(), strict=True):
            if image[onward] < 0:
                image[onward] = across
                queue.append(onward)
    return np.array(image)


def _panel(low: float, high: float, size: int, shift: float) -> tuple[FloatArray, FloatArray]:
    """The masses of a zone's nodes and, for each node, the masses of the integral from it to the zone's end."""
    nodes, weights = unit_nodes(size)
    half = 0.5 * (high - low)
    density = half * normal_density(low + half * (1.0 + nodes) - shift)
    return weights * density, _integrals_upwards(size) * density


@lru_cache(maxsize=64)
def _integrals_upwards(size: int) -> FloatArray:
    """The weights of the integral of an interpolating polynomial from each node to 1, shape (size, size)."""
    nodes, weights = unit_nodes(size)
    legendre = np.polynomial.legendre.legvander(nodes, size)
    to_coefficients = (np.arange(size) + 0.5)[:, None] * legendre[:, :-1].T * weights
    # int_t^1 P_m = (P_{m-1}(t) - P_{m+1}(t)) / (2 m + 1), and 1 - t for m = 0.
    integrals = np.empty((size, size))
    integrals[:, 0] = 1.0 - nodes
    integrals[:, 1:] = (legendre[:, :-2] - legendre[:, 2:]) / (2.0 * np.arange(1, size) + 1.0)
    return np.asarray(integrals @ to_coefficients)
