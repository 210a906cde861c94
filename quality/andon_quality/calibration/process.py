"""What a baseline says about its process, and streams that could have come from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, assert_never

import numpy as np

from andon_quality.arrays import BoolArray, FloatArray, IntArray
from andon_quality.calibration.autoregression import autocovariances, autoregression
from andon_quality.calibration.season import additive_level, rate_level

# The autocorrelation of a hidden intensity where the counts do not tell.
AUTOCORRELATION_TAKEN = 0.6

Values = Literal["continuous", "count", "proportion"]


@dataclass(frozen=True)
class Sampling:
    """What is known of each point before it comes: size, shape (n,), hour of the week or none, and whether it comes."""

    sizes: FloatArray
    phase: IntArray | None
    present: BoolArray


@dataclass(frozen=True)
class Form:
    """What refitting takes as given: kind of values, order of autoregression, overdispersion's share due to zeros.

    innovations: standardised residuals to draw from, or none for normal ones.
    """

    values: Values
    order: int = 0
    zeros_share: float = 0.0
    innovations: FloatArray | None = None


@dataclass(frozen=True)
class ProcessFit:
    """The parameters of many series at once.

    level: (168 or 1, series), in transformed units or per unit of size; dispersion: (series,), alpha in the variance
    mu + alpha mu^2 of counts, the intraclass correlation of proportions; phi: (order, series); sd: (series,) of what is
    new in the deviations, spread: (series,) of the deviations themselves; first: (series,) their autocorrelation at
    lag 1.
    """

    level: FloatArray
    dispersion: FloatArray
    phi: FloatArray
    sd: FloatArray
    spread: FloatArray
    first: FloatArray

    def repeated(self, times: int) -> ProcessFit:
        """Each series `times` times in a row."""
        return ProcessFit(*(np.repeat(part, times, axis=-1) for part in self._parts()))

    def less_bias(self, refitted: ProcessFit) -> ProcessFit:
        """Corrected by how far the mean of refits to this fit's own streams lies from it; for one series."""
        moved = [
            2.0 * own - again.mean(axis=-1, keepdims=True)
            for own, again in zip(self._parts(), refitted._parts(), strict=True)
        ]
        level, dispersion, phi, sd, _, first = moved
        kept = np.abs(phi).sum(axis=0) < 0.99
        # Cells of a season were drawn towards their hour and day; further than to a quarter no rate is moved.
        beyond = ((self.level > 0.0) & (level < 0.25 * self.level)) | ((self.level < 1.0) & (level >= 1.0))
        return ProcessFit(
            self.level if len(self.level) == 1 else np.where(beyond, self.level, level),
            np.where(self.dispersion > 0.0, np.clip(dispersion, 0.0, 2.0 * self.dispersion), 0.0),
            np.where(kept, phi, self.phi),
            np.clip(sd, 0.8 * self.sd, 1.25 * self.sd),
            self.spread,
            np.where(kept, np.clip(first, -0.97, 0.97), self.first),
        )

    def _parts(self) -> tuple[FloatArray, ...]:
        return self.level, self.dispersion, self.phi, self.sd, self.spread, self.first


def fit(form: Form, values: FloatArray, rows: Sampling) -> ProcessFit:
    """The parameters of each series, values: shape (n, series) in transformed units; missing rows are ignored.

    >>> along = Sampling(np.array([10.0, 30.0]), None, np.array([True, True]))
    >>> fit(Form("proportion"), np.array([[1.0], [5.0]]), along).level.item()
    0.15
    """
    here = rows.present
    phase = None if rows.phase is None else rows.phase[here]
    if form.values == "continuous":
        level, dispersion = additive_level(values[here], phase), np.zeros(values.shape[1])
    else:
        level = rate_level(values[here], rows.sizes[here], phase)
        if form.values == "proportion":
            level = np.clip(level, 1e-6, 1.0 - 1e-6)
        dispersion = _dispersion(form.values, values[here], _expected(level, rows.sizes[here], phase), rows.sizes[here])
    ones = np.ones(values.shape[1])
    rough = ProcessFit(level, dispersion, np.zeros((0, len(ones))), ones, ones, ones)
    covariances = autocovariances(deviations(form, rough, values, rows), here, max(form.order, 1))
    phi, sd = autoregression(covariances, form.order)
    return ProcessFit(level, dispersion, phi, sd, np.sqrt(covariances[0]), covariances[1] / covariances[0])


def deviations(form: Form, fitted: ProcessFit, values: FloatArray, rows: Sampling) -> FloatArray:
    """How far each point lies from what was expected: transformed units, or standardised (Pearson) for counts.

    values: shape (time, series); rows of the same time. Missing points are NaN.

    >>> one, along = np.ones(1), Sampling(np.array([4.0]), None, np.array([True]))
    >>> fitted = ProcessFit(np.ones((1, 1)), 0 * one, np.zeros((0, 1)), one, one, one)
    >>> deviations(Form("count"), fitted, 6 * one[None], along)
    array([[1.]])
    """
    expected = _expected(fitted.level, rows.sizes, rows.phase)
    away = values - expected
    if form.values != "continuous":
        away = away / np.sqrt(_variance(form.values, expected, fitted.dispersion, rows.sizes[:, None]))
    return np.asarray(np.where(rows.present[:, None], away, np.nan))


def simulate(form: Form, fitted: ProcessFit, rows: Sampling, series: int, rng: np.random.Generator) -> FloatArray:
    """Streams of the fitted process (one series in `fitted`) along `rows`, shape (time, series).

    Autocorrelated counts have a hidden lognormal intensity, proportions a hidden logistic normal one, each an AR(1).

    >>> one, along = np.ones(1), Sampling(np.ones(3), None, np.full(3, True))
    >>> likely = ProcessFit(4 * one[None], 0 * one, np.zeros((0, 1)), one, one, one)
    >>> simulate(Form("count"), likely, along, 2, np.random.default_rng(1)).shape
    (3, 2)
    """
    shape = (len(rows.sizes), series)
    expected = np.broadcast_to(_expected(fitted.level, rows.sizes, rows.phase), shape)
    match form.values:
        case "continuous":
            away = _autoregressive(fitted.phi[:, 0], shape, form.innovations, rng)
            return np.asarray(expected + away * fitted.sd[0])
        case "count":
            if form.order:
                expected = expected * _intensities(expected, fitted, rng)
                return rng.poisson(expected).astype(np.float64)
            return _counts(expected, float(fitted.dispersion[0]), form.zeros_share, rng)
        case "proportion":
            sizes = np.broadcast_to(rows.sizes[:, None], shape)
            shares = _shares(expected / sizes, fitted, form.order > 0, float(sizes.mean()), rng)
            return rng.binomial(sizes.astype(np.int64), shares).astype(np.float64)
        case _:
            assert_never(form.values)


def zero_inflation(alpha: float, share: float) -> tuple[float, float]:
    """Of a total dispersion alpha: the probability of an extra zero and the dispersion left to the other counts.

    A count that is zero with probability p and else negative binomial with dispersion a has a total of (a + p) / (1 -
    p).

    >>> zero_inflation(1.0, 1.0)
    (0.5, 0.0)
    """
    extra = share * alpha / (1.0 + alpha)
    return extra, max(alpha * (1.0 - extra) - extra, 0.0)


def _counts(expected: FloatArray, alpha: float, share: float, rng: np.random.Generator) -> FloatArray:
    extra, left = zero_inflation(alpha, share)
    mean = expected / (1.0 - extra)
    if left > 1e-9:
        mean = mean * rng.gamma(1.0 / left, left, mean.shape)
    counts = rng.poisson(mean).astype(np.float64)
    return np.where(rng.random(counts.shape) < extra, 0.0, counts) if extra > 0.0 else counts


def _intensities(expected: FloatArray, fitted: ProcessFit, rng: np.random.Generator) -> FloatArray:
    """Lognormal factors of mean 1 whose autocorrelation leaves the counts with the autocorrelation that was found."""
    alpha, autocorrelation = _hidden(float(fitted.first[0]), float(fitted.dispersion[0]), float(expected.mean()))
    log_sd = np.sqrt(np.log1p(alpha))
    return np.asarray(np.exp(log_sd * _wave(autocorrelation, expected.shape, rng) - 0.5 * log_sd**2))


def _shares(share: FloatArray, fitted: ProcessFit, hidden: bool, size: float, rng: np.random.Generator) -> FloatArray:
    rho = float(fitted.dispersion[0])
    if hidden:
        rho, autocorrelation = _hidden(float(fitted.first[0]), rho, size - 1.0)
        log_sd = np.sqrt(rho / (share * (1.0 - share)))
        # The mean of a logistic normal is nearly the logistic of its centre over this root.
        logit = np.log(share / (1.0 - share)) * np.sqrt(1.0 + 0.346 * log_sd**2)
        return np.asarray(1.0 / (1.0 + np.exp(-logit - log_sd * _wave(autocorrelation, share.shape, rng))))
    if rho < 1e-6:
        return share
    total = 1.0 / rho - 1.0
    return np.asarray(rng.beta(share * total, (1.0 - share) * total))


def _hidden(first: float, dispersion: float, scale: float) -> tuple[float, float]:
    """Dispersion and lag-1 autocorrelation of what lies behind counts with this autocorrelation at lag 1.

    The hidden part is dispersion scale / (1 + dispersion scale) of the variance. Where that is too little for the
    autocorrelation, it is taken to be as much as one of 0.6 needs.
    """
    first = float(np.clip(first, 0.0, 0.95))
    share = dispersion * scale / (1.0 + dispersion * scale)
    if first < 0.97 * share:
        return dispersion, first / share
    share = min(max(first, 0.01), 0.55) / AUTOCORRELATION_TAKEN
    return share / ((1.0 - share) * scale), AUTOCORRELATION_TAKEN


def _wave(phi: float, shape: tuple[int, ...], rng: np.random.Generator) -> FloatArray:
    return np.asarray(_autoregressive(np.array([phi]), shape, None, rng) * np.sqrt(1.0 - phi**2))


def _autoregressive(
    phi: FloatArray, shape: tuple[int, ...], innovations: FloatArray | None, rng: np.random.Generator
) -> FloatArray:
    """An autoregression with innovations of standard deviation 1, settled before it starts."""
    settle = 0 if not len(phi) else 150
    new = _innovations((shape[0] + settle, shape[1]), innovations, rng)
    if not len(phi):
        return new
    for at in range(1, len(new)):
        for lag, share in enumerate(phi[:at], 1):
            new[at] += share * new[at - lag]
    return new[settle:]


def _innovations(shape: tuple[int, ...], known: FloatArray | None, rng: np.random.Generator) -> FloatArray:
    if known is None:
        return rng.standard_normal(shape)
    # A smoothed bootstrap, scaled back to the spread it had before smoothing.
    width = 0.5 * len(known) ** -0.2
    smoothed = rng.choice(known, shape) + width * rng.standard_normal(shape)
    return np.asarray(smoothed / np.sqrt(1.0 + width**2))


def _expected(level: FloatArray, sizes: FloatArray, phase: IntArray | None) -> FloatArray:
    at = level[0][None, :] if phase is None else level[phase]
    return np.asarray(at * sizes[:, None])


def _variance(values: Values, expected: FloatArray, dispersion: FloatArray, sizes: FloatArray) -> FloatArray:
    if values == "count":
        return np.asarray(expected + dispersion * expected**2)
    return np.asarray(expected * (1.0 - expected / sizes) * (1.0 + (sizes - 1.0) * dispersion))


def _dispersion(values: Values, counts: FloatArray, expected: FloatArray, sizes: FloatArray) -> FloatArray:
    binomial = expected * (1.0 - expected / sizes[:, None]) if values == "proportion" else expected
    excess = ((counts - expected) ** 2 * len(counts) / max(len(counts) - 1, 1) - binomial).sum(axis=0)
    scale = binomial * (sizes[:, None] - 1.0) if values == "proportion" else expected**2
    return np.asarray(
        np.clip(excess / np.maximum(scale.sum(axis=0), 1e-12), 0.0, 0.9 if values == "proportion" else 1e3)
    )
