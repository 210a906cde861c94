"""Queues with several servers: waiting times by formula where there is one, and by simulation where there is none.

Customers come one by one, wait in one line in the order of their coming, and are served by the first of c servers that
is free. Source: A. K. Erlang, Solution of some problems in the theory of probabilities of significance in automatic
telephone exchanges (1917); D. Gross, J. F. Shortle, J. M. Thompson and C. M. Harris, Fundamentals of Queueing Theory
(4th ed., 2008), ch. 2; J. Kiefer and J. Wolfowitz, On the theory of queues with many servers, Transactions of the AMS
78 (1955) 1-18, for the recursion that is simulated.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, assert_never

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arguments import checked, checked_fields
from andon_quality.arrays import FloatArray, finite
from andon_quality.errors import OutOfRange, TooFew
from andon_quality.result import Result

Shape = Literal["exponential", "gamma", "lognormal", "constant", "sample"]
QUANTILES = (0.5, 0.8, 0.9, 0.95, 0.99)
WARM_UP = 0.2
# Work up to here can be done: what rounding makes of a full load, such as 0.9999999999999999, cannot.
LOAD_MAX = 1 - 1e-9
REPLICATIONS, CUSTOMERS = 100, 10_000


@checked_fields
@dataclass(frozen=True)
class Durations:
    """A distribution of times above 0: by mean and coefficient of variation (sd / mean), or as values to draw from.

    variation: of gamma and lognormal; 1 for exponential, 0 for constant, whatever is given. values: of "sample".
    """

    shape: Shape
    mean: float
    variation: float = 1.0
    values: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if not (math.isfinite(self.mean) and self.mean > 0) or not 0 <= self.variation < math.inf:
            raise OutOfRange("needs a mean above 0 and a variation of at least 0")
        if self.shape == "sample" and not self.values:
            raise TooFew("a sample needs values to draw from")

    def drawn(self, rng: np.random.Generator, size: tuple[int, int]) -> FloatArray:
        """Independent times. A variation of 0 is a constant.

        >>> Durations("constant", 2.0).drawn(np.random.default_rng(0), (1, 2)).tolist()
        [[2.0, 2.0]]
        """
        square = self.variation**2
        match self.shape:
            case "exponential":
                return rng.exponential(self.mean, size)
            case "gamma" if square > 0:
                return rng.gamma(1 / square, self.mean * square, size)
            case "lognormal" if square > 0:
                log_variance = math.log1p(square)
                return rng.lognormal(math.log(self.mean) - log_variance / 2, math.sqrt(log_variance), size)
            case "constant" | "gamma" | "lognormal":
                return np.full(size, self.mean)
            case "sample":
                values = np.asarray(self.values, dtype=np.float64)
                return np.asarray(rng.choice(values * (self.mean / values.mean()), size))
            case _:
                assert_never(self.shape)


def sampled(values: ArrayLike) -> Durations:
    """Times drawn from what was observed, shape (n,). Raises TooFew without values, OutOfRange below 0, NotFinite.

    >>> sampled([1.0, 3.0]).mean
    2.0
    """
    x = finite(values, at_least=1)
    if (x < 0).any() or not x.mean() > 0:
        raise OutOfRange("times must not be negative, and not all be 0")
    return Durations("sample", float(x.mean()), float(x.std() / x.mean()), tuple(x.tolist()))


@dataclass(frozen=True)
class Queue(Result):
    """Waiting times in the unit of the times given. utilisation: of the servers. waiting: share that waits at all.

    quantiles: as many as were asked for, with intervals `lower`, `upper`, which are equal where they follow from a
    formula. mean, with its interval mean_lower, mean_upper. line: mean number waiting.
    """

    utilisation: float
    waiting: float
    mean: float
    mean_lower: float
    mean_upper: float
    line: float
    shares: FloatArray
    quantiles: FloatArray
    lower: FloatArray
    upper: FloatArray


@checked
def erlang_c(offered: float, servers: int) -> float:
    """Probability that a customer of an M/M/c queue waits. offered: arrival rate x mean service time, below `servers`.

    By the recursion of Erlang's loss formula, which never overflows. Prefer `markovian` for waiting times. Cost:
    O(servers). Raises OutOfRange unless 0 < offered < servers.

    >>> round(erlang_c(2.0, 3), 6)
    0.444444
    """
    if not 0 < offered < servers * LOAD_MAX:
        raise OutOfRange("needs 0 < offered < servers: the line would grow for ever")
    loss = 1.0
    for one in range(1, servers + 1):
        loss = offered * loss / (one + offered * loss)
    return servers * loss / (servers - offered * (1 - loss))


@checked
def markovian(arrivals: float, service: float, servers: int, quantiles: Sequence[float] = QUANTILES) -> Queue:
    """M/M/c: Poisson arrivals at a rate, exponential service with a mean, by formula.

    P(wait > t) = C exp(-(c / service - arrivals) t). Assumes a steady state; prefer `simulate` for other
    distributions. Cost: O(servers). Raises OutOfRange where the queue is not stable.

    >>> queue = markovian(2.0, 1.0, 3)
    >>> round(queue.waiting, 4), round(queue.mean, 4), queue.quantiles.round(4)[2].item()
    (0.4444, 0.4444, 1.4917)
    """
    waits = erlang_c(arrivals * service, servers)
    shares = _shares(quantiles)
    free = servers / service - arrivals
    points = np.maximum(0.0, np.log(waits / (1 - shares)) / free)
    mean = waits / free
    return Queue(arrivals * service / servers, waits, mean, mean, mean, arrivals * mean, shares, points, points, points)


@checked
def simulate(
    gaps: Durations,
    service: Durations,
    servers: int,
    quantiles: Sequence[float] = QUANTILES,
    replications: int = REPLICATIONS,
    customers: int = CUSTOMERS,
    confidence: float = 0.95,
    seed: int = 0,
) -> Queue:
    """G/G/c: independent gaps between arrivals and service times of any shape, simulated.

    Each replication begins with an empty line; its first fifth is left out. Quantiles are those of all customers
    together; intervals come from the replications, which are independent. With the defaults within 2 % of `markovian`
    up to 90 % utilisation. Assumes that nobody leaves the line and that as many servers are there all the time. The
    same for the same seed. Cost: O(customers x replications x servers). Raises OutOfRange where the queue is not
    stable, or for fewer than 2 replications, 100 customers or 1 server.

    >>> found = simulate(Durations("constant", 2.0), Durations("constant", 1.0), 1, replications=2, customers=100)
    >>> found.mean, found.utilisation
    (0.0, 0.5)
    """
    from scipy.special import stdtrit

    if replications < 2 or customers < 100 or servers < 1:
        raise OutOfRange("needs at least 2 replications, 100 customers and 1 server")
    load = service.mean / gaps.mean / servers
    if not load < LOAD_MAX:
        raise OutOfRange("the line would grow for ever: more work comes than the servers can do")
    shares, rng = _shares(quantiles), np.random.default_rng(seed)
    arrivals = gaps.drawn(rng, (customers, replications)).cumsum(axis=0)
    times = service.drawn(rng, (customers, replications))
    free, lanes = np.zeros((replications, servers)), np.arange(replications)
    waits = np.empty((customers, replications))
    for at in range(customers):
        first = free.argmin(axis=1)
        begun = np.maximum(arrivals[at], free[lanes, first])
        waits[at] = begun - arrivals[at]
        free[lanes, first] = begun + times[at]
    kept = waits[int(customers * WARM_UP) :]
    means = kept.mean(axis=0)
    own = np.quantile(kept, shares, axis=0)
    wide = float(stdtrit(replications - 1, (1 + confidence) / 2)) / math.sqrt(replications)
    points = np.quantile(kept, shares)
    half = wide * own.std(axis=1, ddof=1)
    mean, margin = float(means.mean()), wide * float(means.std(ddof=1))
    return Queue(
        load,
        float((kept > 0).mean()),
        mean,
        max(0.0, mean - margin),
        mean + margin,
        mean / gaps.mean,
        shares,
        points,
        np.maximum(0.0, points - half),
        points + half,
    )


def _shares(quantiles: Sequence[float]) -> FloatArray:
    shares = finite(quantiles, at_least=1)
    if (shares <= 0).any() or (shares >= 1).any():
        raise OutOfRange("quantiles must lie between 0 and 1")
    return shares
