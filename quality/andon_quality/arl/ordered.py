"""The exact run length when rules about the order of values join rules about zones: trends and alternation."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from andon_quality.arl.krylov import gmres
from andon_quality.arl.places import Places, places_of
from andon_quality.arl.run_length import RunLength
from andon_quality.arl.steps import OrderSteps, steps_of
from andon_quality.arrays import FloatArray, IntArray
from andon_quality.errors import OutOfRange
from andon_quality.rules import Rule

UNKNOWNS_MOST = 1_500_000
# A kernel of more states would take minutes for a quantile.
KERNEL_MOST = 1500
# So few unknowns are quicker to solve for than to iterate on.
DENSE_MOST = 160


def ordered_mean(rules: tuple[Rule, ...], ahead: IntArray, lines: FloatArray, shift: float) -> float:
    """The mean run length under `rules` (TREND and ALTERNATING) and a chain of zone rules.

    ahead: the zone chain, shape (states, zones), the number of states for an alarm; lines: shape (zones - 1,), between
    the zones. The state is that of the zone chain, the steps so far (`steps`) and the last value x:
    V(x) = 1 + int_x^inf V_up(y) phi(y - shift) dy + int_-inf^x V_down(y) phi(y - shift) dy, by collocation on each
    zone, where V is smooth, with integrals up to x that are exact for the interpolating polynomials. A zone state has
    its last value in one zone, or two, and is kept there only (`Places`), with the steps that can have led there; all
    step states but two follow from these by substitution, and without a shift one of them is the image of the other;
    GMRES for what is left. Nine digits.
    Cost about twelve passes over the places of each step state x nodes^2: 1 to 2 ms with rules about the limits, 5 with
    the four of Western Electric and a trend, 15 with all of Nelson's.
    Raises OutOfRange for more than 1.5 million unknowns.
    Source of the rules: Nelson (1984), Journal of Quality Technology 16, 237-239; Davis and Woodall (1988), ibid. 20,
    260-262, on what a trend rule is worth (little, against a lasting trend as well).

    >>> from andon_quality.rules import NELSON
    >>> round(ordered_mean((NELSON[2],), np.array([[0]]), np.zeros(0), 0.0), 4)
    421.6029
    """
    # The order of values alone knows nothing of their mean.
    shift = shift if len(lines) else 0.0
    steps, places = steps_of(rules), places_of(ahead, lines, shift)
    if places.mass.size * steps.count > UNKNOWNS_MOST:
        raise OutOfRange(f"{len(ahead)} zone states with {steps.count} step states: too many rules at once")
    system = _System(places, steps, _reached(places, steps), shift == 0.0)
    at = system.plan.at[0]
    means = (_before_any_step(system) * places.mass[at]).sum(axis=1)
    return float(1.0 + means[np.searchsorted(at, places.first[places.first < len(places.own)])].sum())


def ordered_run(rules: tuple[Rule, ...], ahead: IntArray, lines: FloatArray, shift: float) -> RunLength:
    """The whole distribution behind `ordered_mean`, for sets whose kernel is small: a trend with rules about the limit.

    Raises OutOfRange for more than 1,500 states.

    >>> from andon_quality.rules import NELSON
    >>> ordered_run((NELSON[2],), np.array([[0]]), np.zeros(0), 0.0).quantile(0.5)
    294
    """
    steps, places = steps_of(rules), places_of(ahead, lines, shift)
    count, size = places.mass.shape
    states = steps.count * count * size
    if states > KERNEL_MOST:
        raise OutOfRange("the distribution is known for few rules only; `shewhart` knows the mean of these")
    # One more step state and one more place mean the alarm; both are dropped at the end.
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


@dataclass(frozen=True)
class _Way:
    """A rise to, or a fall to, one step state: at which places, rising, and where it leads.

    own: shape (n,), among the places of that step state the one after a value in the same zone, their number for the
    alarm. further: shape (n, zones), places in other zones. zones: of each zone the first and the last of `at`.
    """

    at: IntArray
    own: IntArray
    further: IntArray
    zones: tuple[tuple[int, int, int], ...]


# A step state, or their number for the alarm, and the places that lead there.
_Leg = tuple[int, IntArray]


@dataclass(frozen=True)
class _Plan:
    """at: of each step state the places where it can be. rises, falls: the ways to each step state.

    risen, fallen: where the places of each step state are on its ways up and down; mirrored: where their images are
    on the rise that its fall is the image of; None where the chart alarms.
    """

    at: tuple[IntArray, ...]
    rises: dict[int, _Way]
    falls: dict[int, _Way]
    risen: tuple[IntArray | None, ...]
    fallen: tuple[IntArray | None, ...]
    mirrored: tuple[IntArray | None, ...]


@dataclass(frozen=True)
class _System:
    """mirrored: without a shift what follows a fall is the mirror image of what follows a rise."""

    places: Places
    steps: OrderSteps
    plan: _Plan
    mirrored: bool


def _reached(places: Places, steps: OrderSteps) -> _Plan:
    shape = (len(places.own), places.above.shape[1])
    graph = (places.first, places.own, places.above, places.below, places.zone, places.image)
    return _planned(shape, tuple(part.tobytes() for part in graph), steps)


@lru_cache(maxsize=64)
def _planned(shape: tuple[int, int], graph: tuple[bytes, ...], steps: OrderSteps) -> _Plan:
    count = shape[0]
    first, own, above, below, zone, image = (np.frombuffer(part, dtype=np.int64) for part in graph)
    above, below = above.reshape(shape), below.reshape(shape)
    reached = np.zeros((steps.count + 1, count + 1), dtype=bool)
    reached[0, first] = True
    fresh = reached.copy()
    while fresh[:-1, :-1].any():
        found = np.zeros_like(reached)
        for step, (up, down) in enumerate(zip(steps.up, steps.down, strict=True)):
            here = np.flatnonzero(fresh[step, :-1])
            found[up, above[here]] = found[down, below[here]] = True
            found[up, own[here]] = found[down, own[here]] = True
        fresh = found & ~reached
        reached |= found
    at = [np.flatnonzero(row[:-1]) for row in reached[:-1]]

    def way(towards: int, froms: list[IntArray], further: IntArray) -> _Way:
        taken = np.unique(np.concatenate(froms))
        among = np.full(count + 1, len(at[towards]))
        among[at[towards]] = np.arange(len(at[towards]))
        edges = np.flatnonzero(np.diff(zone[taken], prepend=-1, append=-1))
        zones = zip(zone[taken][edges[:-1]].tolist(), edges[:-1].tolist(), edges[1:].tolist(), strict=True)
        return _Way(taken, among[own[taken]], further[taken], tuple(zones))

    upward: list[_Leg] = []
    downward: list[_Leg] = []
    image_of: list[_Leg] = []
    for step, (up, down) in enumerate(zip(steps.up, steps.down, strict=True)):
        upward.append((up, at[step]))
        downward.append((down, at[step]))
        image_of.append((steps.mirror[down] if down < steps.count else steps.count, image[at[step]]))
    ends = range(steps.count)
    rises = {end: way(end, taken, above) for end in ends if (taken := _taken(end, [*upward, *image_of]))}
    falls = {end: way(end, taken, below) for end in ends if (taken := _taken(end, downward))}
    return _Plan(tuple(at), rises, falls, _stand(upward, rises), _stand(downward, falls), _stand(image_of, rises))


def _taken(end: int, legs: list[_Leg]) -> list[IntArray]:
    return [places for towards, places in legs if towards == end]


def _stand(legs: list[_Leg], ways: dict[int, _Way]) -> tuple[IntArray | None, ...]:
    return tuple(np.searchsorted(ways[end].at, places) if end in ways else None for end, places in legs)


def _before_any_step(system: _System) -> FloatArray:
    """The means after a first point, shape (places, nodes)."""
    steps, nodes = system.steps, system.places.mass.shape[1]
    looped = [step for step in steps.loop if not system.mirrored or steps.direction[step] > 0]
    ends = np.cumsum([len(system.plan.at[step]) * nodes for step in looped])
    unknowns = int(ends[-1]) if looped else 0

    def onwards(values: FloatArray, constant: float) -> tuple[FloatArray, FloatArray]:
        """What values of the loop, shape (..., unknowns), become after one more round; the means before any step."""
        parts = np.split(values, ends[:-1], axis=-1) if looped else []
        known = {step: part.reshape(*part.shape[:-1], -1, nodes) for step, part in zip(looped, parts, strict=True)}
        means = _substituted(system, known, constant)
        rounds = [_onward(step, system, means, constant).reshape(*values.shape[:-1], -1) for step in looped]
        return np.concatenate(rounds, axis=-1) if rounds else values, means[0].values

    right, means = onwards(np.zeros(unknowns), 1.0)
    if not looped:
        return means
    if unknowns <= DENSE_MOST:
        ahead = onwards(np.eye(unknowns), 0.0)[0].T
        return onwards(np.asarray(np.linalg.solve(np.eye(unknowns) - ahead, right)), 1.0)[1]
    return onwards(gmres(lambda values: values - onwards(values, 0.0)[0], right, error=1e-9), 1.0)[1]


@dataclass
class _After:
    """The means after some step, and once they are asked for those of what follows a rise from, or a fall to, it."""

    values: FloatArray
    rise: FloatArray | None = None
    fall: FloatArray | None = None


def _substituted(system: _System, known: dict[int, FloatArray], constant: float) -> dict[int, _After]:
    """Every step state's means from those of the loop; only those of one direction when they are mirror images."""
    means = {step: _After(values) for step, values in known.items()}
    for step in system.steps.order:
        if step not in means and not (system.mirrored and system.steps.direction[step] < 0):
            means[step] = _After(_onward(step, system, means, constant))
    return means


def _onward(step: int, system: _System, means: dict[int, _After], constant: float) -> FloatArray:
    """`constant` and the mean of what follows each place and value after this step."""
    steps, plan = system.steps, system.plan
    leading = means[steps.loop[0]].values.shape[:-2] if steps.loop else ()
    total: FloatArray = np.full((*leading, len(plan.at[step]), system.places.mass.shape[1]), constant)
    if (risen := plan.risen[step]) is not None:
        total += _rise(steps.up[step], system, means)[..., risen, :]
    if system.mirrored and (image := plan.mirrored[step]) is not None:
        total += _rise(steps.mirror[steps.down[step]], system, means)[..., image, ::-1]
    elif (fallen := plan.fallen[step]) is not None:
        total += _fall(steps.down[step], system, means)[..., fallen, :]
    return total


def _rise(towards: int, system: _System, means: dict[int, _After]) -> FloatArray:
    """The mean of what follows a rise to this step state, at the places of its way."""
    after = means[towards]
    if after.rise is None:
        way, at = system.plan.rises[towards], system.plan.at[towards]
        _, within, further = _parts(way, at, after.values, system.places)
        after.rise = within + further[..., None]
    return after.rise


def _fall(towards: int, system: _System, means: dict[int, _After]) -> FloatArray:
    after, way = means[towards], system.plan.falls[towards]
    if after.fall is None:
        own, within, further = _parts(way, system.plan.at[towards], after.values, system.places)
        after.fall = (further + (own * system.places.mass[way.at]).sum(axis=-1))[..., None] - within
    return after.fall


def _parts(way: _Way, at: IntArray, means: FloatArray, places: Places) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The means after a value in the same zone; their integral over the higher ones; the mean over other zones."""
    leading = means.shape[:-2]
    sums = np.zeros((*leading, len(places.own) + 1))
    sums[..., at] = (means * places.mass[at]).sum(axis=-1)
    own = np.concatenate([means, np.zeros((*leading, 1, means.shape[-1]))], axis=-2)[..., way.own, :]
    within = np.empty_like(own)
    for zone, begin, end in way.zones:
        np.matmul(own[..., begin:end, :], places.upward[zone].T, out=within[..., begin:end, :])
    return own, within, sums[..., way.further].sum(axis=-1)
