"""Where a chart with rules about zones and about the order of values can be after a point, and how probably."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

import numpy as np

from andon_quality.arl.quadrature import normal_density, unit_nodes
from andon_quality.arrays import FloatArray, IntArray

# Beyond this many sigma from the mean a point has a probability of 1e-17.
REACH = 8.5


@dataclass(frozen=True)
class Places:
    """Where the chart can be after a point: a state of the zone chain with the zone it was reached through, by zone.

    first, above, below: shape (zones,) and (places, zones): the place after a value there; the number of places for
    an alarm, and also for a zone that is not above (below). own: shape (places,), after a value in the same zone.
    zone, image: shape (places,), its zone, rising, and the place on the other side. mass: shape (places, nodes), the
    masses of the zone's nodes. upward: of each zone, the masses of the integral from each node to the zone's end, shape
    (nodes, nodes).
    """

    first: IntArray
    own: IntArray
    above: IntArray
    below: IntArray
    zone: IntArray
    image: IntArray
    mass: FloatArray
    upward: dict[int, FloatArray]


def places_of(ahead: IntArray, lines: FloatArray, shift: float) -> Places:
    """The places of a zone chain, shape (states, zones) with the number of states for an alarm, between these lines.

    >>> places = places_of(np.array([[1, 0, 1]]), np.array([-3.0, 3.0]), 0.0)
    >>> places.own.tolist(), round(float(places.mass.sum()), 4)
    ([0], 0.9973)
    """
    edges = np.clip(np.concatenate([[-np.inf], lines, [np.inf]]), shift - REACH, shift + REACH)
    live = {zone: (low, high) for zone, (low, high) in enumerate(pairwise(edges)) if high > low}
    graph = _graph(ahead.tobytes(), len(ahead), tuple(live))
    reached = list(dict.fromkeys(graph.zone.tolist()))
    size = 8 + int(np.ceil(2.0 * max(live[at][1] - live[at][0] for at in reached)))
    panels = {at: _panel(*live[at], size, shift) for at in reached}
    mass = np.array([panels[at][0] for at in graph.zone.tolist()])
    return replace(graph, mass=mass, upward={at: upward for at, (_, upward) in panels.items()})


@lru_cache(maxsize=64)
def _graph(chain: bytes, states: int, live: tuple[int, ...]) -> Places:
    """The places without masses: they depend on the zone chain and on the zones that a value can reach, only."""
    ahead = np.frombuffer(chain, dtype=np.int64).reshape(states, -1)
    zones = ahead.shape[1]
    found = [(zone, state) for zone in live for state in np.unique(ahead[:, zone]) if state < states]
    zone, state = np.array(found, dtype=np.int64).reshape(-1, 2).T
    place = np.full((states + 1, zones), len(found))
    place[state, zone] = np.arange(len(found))
    onward = place[ahead, np.arange(zones)]
    there = np.arange(zones) - zone[:, None]
    return Places(
        onward[0],
        onward[state, zone],
        np.where(there > 0, onward[state], len(found)),
        np.where(there < 0, onward[state], len(found)),
        zone,
        place[_images(ahead)[state], zones - 1 - zone],
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
