"""The exact run length of a Shewhart chart under any set of run rules, by Markov chain."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import numpy as np

from andon_quality.arguments import checked
from andon_quality.arl.design import design
from andon_quality.arl.elimination import substituted_means
from andon_quality.arl.estimated import averaged
from andon_quality.arl.estimated_run import estimated_run
from andon_quality.arl.krylov import Product
from andon_quality.arl.ordered import ordered_mean, ordered_run
from andon_quality.arl.run_length import RunLength, solved
from andon_quality.arrays import FloatArray, IntArray
from andon_quality.errors import OutOfRange
from andon_quality.rules import Pattern, Rule, named

ABOUT_ORDER = (Pattern.TREND, Pattern.ALTERNATING)

# Above this many states substitution is faster than a dense solve, of one chart and of a batch.
DENSE_MOST, DENSE_MOST_OF_MANY = 100, 60
# Rules of Nelson's and Western Electric's remember some 2,000 states together; those of a whole distribution are dense.
MEMORIES_MOST, RUN_STATES_MOST = 20_000, 1_500


@checked
def shewhart(
    rules: Iterable[str | Rule], shift: float = 0.0, width: float = 3.0, phase1_size: int | None = None
) -> float:
    """The average run length of a chart of independent normal points that alarms when any of `rules` fires.

    rules: `andon_quality.rules.Rule` objects or names, "WE1" to "WE4" (Western Electric), "N1" to "N8" (Nelson), or a
    rule's own. shift: the mean, in units of sigma. width: of the limits, in sigma; the zones of the other rules move
    with them (zone_sigma width / 3, as `rules.fire` has it), a rule about the centre line does not.
    Exact: the points fall into the zones between the rules' lines, the state is what each rule remembers of the last
    points, and L = (I - Q)^-1 1. The chain is built once per set of rules, then merged to its smallest equivalent;
    afterwards a call costs one solve (108 states for the four Western Electric rules, under a millisecond).
    phase1_size: centre and sigma are the mean and standard deviation of that many points (`estimated`, 1 ms
    for the common rules, 8 for Western Electric's four).
    Rules about the order of values (N3, N4) make the last value part of the state: collocation (`ordered`), nine
    digits, 1 to 15 ms with the number of rules.
    Prefer `cusum` or `ewma` where a small lasting shift matters.
    Raises OutOfRange for an unknown rule, an empty set, a width that is not positive, or too many rules at once.
    Source: Champ and Woodall (1987), Technometrics 29, 393-399.

    >>> round(shewhart(["WE1", "WE2", "WE3", "WE4"]), 2)
    91.75
    """
    chosen = some_of(rules)
    if phase1_size is None:
        return float(_means(chosen, np.array([shift]), np.array([width]))[0])
    # Every rule is the same on either side.
    return averaged(
        lambda centre, spread: _means(chosen, shift - centre, width * spread),
        phase1_size,
        shift,
        even=shift == 0.0,
        together=True,
    )


def shewhart_curve(rules: Iterable[str | Rule], shifts: FloatArray, width: float = 3.0) -> FloatArray:
    """`shewhart` at many shifts, shape (n,): one batched solve for rules about zones.

    >>> shewhart_curve(["WE1", "WE2"], np.array([0.0, 1.0])).round(2).tolist()
    [225.44, 20.01]
    """
    shifts = np.asarray(shifts, dtype=np.float64)
    return _means(some_of(rules), shifts, np.full_like(shifts, width))


@checked
def shewhart_run(
    rules: Iterable[str | Rule], shift: float = 0.0, width: float = 3.0, phase1_size: int | None = None
) -> RunLength:
    """The whole distribution behind `shewhart`: mean, quantiles, survival, steady state.

    Rules about the order of values need a kernel over the last value as well: raises OutOfRange where it would have
    more than 1,500 states, which a trend, or alternation, with rules about the limits does not.
    phase1_size: mixed over the baselines of that many points (`estimated_run`); rules about zones only.

    >>> shewhart_run(["WE1"]).quantile(0.5), shewhart_run(["N1", "N3"]).quantile(0.5)
    (257, 139)
    """
    chosen, shifts = some_of(rules), np.array([shift])
    about_order, about_zones = _parted(chosen)
    if phase1_size is not None:
        return _estimated_run(chosen, shift, width, phase1_size)
    lines = _lines(about_zones, shifts, np.array([width]))
    if about_order:
        return ordered_run(about_order, _chain(about_zones, False), lines[0], shift)
    ahead = _chain(about_zones, False)
    if len(ahead) > RUN_STATES_MOST:
        raise OutOfRange(f"{len(ahead)} states are more than the {RUN_STATES_MOST} of a whole distribution")
    kernels, escapes = _kernels(ahead, _zone_probabilities(lines, shifts))
    return RunLength(kernels[0], np.eye(1, len(ahead))[0], escape=escapes[0])


@checked
def design_shewhart(rules: Iterable[str | Rule], requested_arl: float, phase1_size: int | None = None) -> float:
    """The width of the limits, in sigma, at which the in-control ARL is the requested one; as in `shewhart`.

    Deterministic root search on the exact chain, about seven solves. Raises OutOfRange when no width reaches it: the
    rule of eight on one side of the centre alone allows at most 255, since no width moves the centre line.

    >>> round(design_shewhart(["WE1", "WE2"], 370.0), 4)
    3.1549
    """
    chosen = some_of(rules)
    peak = _widest(chosen)
    ceiling = shewhart(chosen, 0.0, peak)
    if requested_arl >= ceiling:
        names = ", ".join(rule.name for rule in chosen)
        raise OutOfRange(f"{names}: an ARL of at most {ceiling:.6g} can be reached, not {requested_arl:g}")
    return design(
        lambda width: shewhart(chosen, 0.0, width, phase1_size), requested_arl, guess=min(3.3, peak), upper=peak
    )


def some_of(rules: Iterable[str | Rule]) -> tuple[Rule, ...]:
    """The rules behind the names, as `rules.named`; raises OutOfRange also for none at all.

    >>> some_of(["WE2"])[0].name
    '2_of_3_beyond_2_sigma'
    """
    chosen = named(rules)
    if not chosen:
        raise OutOfRange("a chart needs at least one rule")
    return chosen


def _means(rules: tuple[Rule, ...], shifts: FloatArray, widths: FloatArray) -> FloatArray:
    """The mean run of each chart, shape (charts,)."""
    about_order, about_zones = _parted(rules)
    lines = _lines(about_zones, shifts, widths)
    if about_order:
        ahead, pairs = _chain(about_zones, False), zip(lines, shifts, strict=True)
        return np.array([ordered_mean(about_order, ahead, zones, float(shift)) for zones, shift in pairs])
    ahead = _chain(about_zones, bool(np.all(shifts == 0.0)))
    probabilities = _zone_probabilities(lines, shifts)
    if len(ahead) > (DENSE_MOST if len(shifts) == 1 else DENSE_MOST_OF_MANY):
        return substituted_means(ahead, probabilities)
    return solved(*_kernels(ahead, probabilities))[:, 0]


def _estimated_run(rules: tuple[Rule, ...], shift: float, width: float, phase1_size: int) -> RunLength:
    if _parted(rules)[0]:
        raise OutOfRange("the distribution over baselines is known for rules about zones; `shewhart` knows the mean")
    ahead = _chain(rules, False)

    def kernels_at(centre: FloatArray, spread: FloatArray) -> tuple[Product, FloatArray]:
        shifts = shift - centre
        probabilities = _zone_probabilities(_lines(rules, shifts, width * spread), shifts)

        def product(values: FloatArray) -> FloatArray:
            onward = np.column_stack([values, np.zeros(len(values))])
            ahead_of = (onward[:, zone] for zone in ahead.T)
            return np.asarray(sum(mass[:, None] * after for mass, after in zip(probabilities.T, ahead_of, strict=True)))

        return product, np.eye(1, len(ahead))[0]

    def arl_at(centre: FloatArray, spread: FloatArray) -> FloatArray:
        return _means(rules, shift - centre, width * spread)

    return estimated_run(kernels_at, arl_at, phase1_size, shift, shift == 0.0)


def _parted(rules: tuple[Rule, ...]) -> tuple[tuple[Rule, ...], tuple[Rule, ...]]:
    """Those about the order of values, and those about zones."""
    about_order = tuple(rule for rule in rules if rule.pattern in ABOUT_ORDER)
    return about_order, tuple(rule for rule in rules if rule not in about_order)


def _widest(rules: tuple[Rule, ...]) -> float:
    """The width of the longest ARL: hugging the centre is likelier the wider its zone, so there the ARL has a peak."""
    if all(rule.pattern is not Pattern.WITHIN for rule in rules):
        return 36.0
    low, high = 0.15, 9.0
    for _ in range(40):
        left, right = high - 0.618034 * (high - low), low + 0.618034 * (high - low)
        if shewhart(rules, 0.0, left) < shewhart(rules, 0.0, right):
            low = left
        else:
            high = right
    return 0.5 * (low + high)


def _zone_probabilities(lines: FloatArray, shifts: FloatArray) -> FloatArray:
    """lines: shape (charts, zones - 1) -> the probability of each zone, shape (charts, zones)."""
    from scipy.special import ndtr

    beyond = np.full((len(shifts), 1), np.inf)
    edges = np.hstack([-beyond, lines - shifts[:, None], beyond])
    lower, upper = edges[:, :-1], edges[:, 1:]
    # On the far side the differences of two values near 1 would lose their digits.
    return np.asarray(np.where(lower > 0.0, ndtr(-lower) - ndtr(-upper), ndtr(upper) - ndtr(lower)))


def _kernels(ahead: IntArray, probabilities: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Kernels of many charts, shape (charts, states, states), and the chance of an alarm from each state."""
    states, zones = ahead.shape
    charts, row = len(probabilities), states * (states + 1)
    flat = np.arange(charts)[:, None] * row + (np.arange(states)[:, None] * (states + 1) + ahead).ravel()
    weights = np.broadcast_to(probabilities[:, None, :], (charts, states, zones))
    counted = np.bincount(flat.ravel(), weights.ravel(), minlength=charts * row).astype(np.float64)
    kernels = counted.reshape(charts, states, states + 1)
    return kernels[:, :, :states], kernels[:, :, states]


def _lines(rules: tuple[Rule, ...], shifts: FloatArray, widths: FloatArray) -> FloatArray:
    """The lines between the zones of each chart, rising, shape (charts, lines)."""
    if not (np.all((widths > 0.0) & (widths < np.inf)) and np.isfinite(shifts).all()):
        raise OutOfRange(f"width must be positive and shift finite, got {widths}, {shifts}")
    return widths[:, None] / 3.0 * _zone_sigmas(rules)


def _zone_sigmas(rules: tuple[Rule, ...]) -> FloatArray:
    return np.array(sorted({line for rule in rules for line in (rule.zone_sigma, -rule.zone_sigma)}))


@lru_cache(maxsize=64)
def _chain(rules: tuple[Rule, ...], mirrored: bool) -> IntArray:
    """For each state and zone the next state, shape (states, zones), where the number of states means alarm."""
    if not rules:
        return np.zeros((1, 1), dtype=np.int64)
    return _merged(explored([run for rule in rules for run in _runs(rule, _zone_sigmas(rules))]), mirrored)


Run = tuple[int, int, tuple[bool, ...]]


def _runs(rule: Rule, lines: FloatArray) -> list[Run]:
    """The rule as (k, n, zones that count): one run a side, or one for both when the side does not matter."""
    edges = np.concatenate([[lines[0] - 1.0], lines, [lines[-1] + 1.0]])
    middle = 0.5 * (edges[1:] + edges[:-1])
    match rule.pattern:
        case Pattern.BEYOND:
            sides = [middle > rule.zone_sigma, middle < -rule.zone_sigma]
        case Pattern.OUTSIDE:
            sides = [np.abs(middle) > rule.zone_sigma]
        case _:
            sides = [np.abs(middle) < rule.zone_sigma]
    return [(rule.k, rule.n, tuple(side.tolist())) for side in sides]


def explored(runs: list[Run]) -> IntArray:
    """Every reachable memory, breadth first from the empty one; the number of states means the alarm."""
    zones = len(runs[0][2])
    found: dict[tuple[int, ...], int] = {(0,) * len(runs): 0}
    rows: list[list[int]] = []
    for memory in (queue := list(found)):
        row = []
        for zone in range(zones):
            later = _remembered(memory, runs, zone)
            if later is not None and later not in found:
                if len(found) == MEMORIES_MOST:
                    raise OutOfRange(f"these rules remember more than {MEMORIES_MOST} states: too many at once")
                found[later] = len(found)
                queue.append(later)
            row.append(-1 if later is None else found[later])
        rows.append(row)
    ahead = np.array(rows, dtype=np.int64)
    return np.where(ahead < 0, len(found), ahead)


def _remembered(memory: tuple[int, ...], runs: list[Run], zone: int) -> tuple[int, ...] | None:
    """The memory after a point in `zone`, each rule's hits as bits with the latest lowest; None when a rule fires."""
    later = []
    for bits, (needed, window, hits) in zip(memory, runs, strict=True):
        bits = (bits << 1 | hits[zone]) & ((1 << window) - 1)
        if bits.bit_count() >= needed:
            return None
        later.append(bits & ((1 << (window - 1)) - 1) if window > 1 else 0)
    return tuple(_useful(bits, needed, window) for bits, (needed, window, _) in zip(later, runs, strict=True))


def _useful(bits: int, needed: int, window: int) -> int:
    """The memory without the old hits that can no longer be part of an alarm: too few points are left to join them."""
    while bits:
        age = bits.bit_length()
        if bits.bit_count() + window - age >= needed:
            break
        bits &= (1 << (age - 1)) - 1
    return bits


def _merged(ahead: IntArray, mirrored: bool) -> IntArray:
    """The smallest chain with the same alarms (Moore's partition refinement), the start kept as state 0.

    mirrored: zones on either side are equally likely, so only the pair of groups they lead to matters.
    """
    group = np.append(np.zeros(len(ahead), dtype=np.int64), 1)
    while True:
        leads_to = group[ahead]
        if mirrored:
            across = leads_to[:, ::-1]
            leads_to = np.hstack([np.minimum(leads_to, across), np.maximum(leads_to, across)])
        signature = np.column_stack([group[:-1], leads_to])
        _, first, refined = np.unique(signature, axis=0, return_index=True, return_inverse=True)
        refined = np.argsort(np.argsort(first))[refined.ravel()]
        if len(first) == len(np.unique(group[:-1])):
            break
        group = np.append(refined, len(first))
    order = np.sort(first)
    return np.append(refined, len(order))[ahead[order]].astype(np.int64)
