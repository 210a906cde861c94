"""From a baseline and a requested ARL to a calibrated chart, with its derivation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arguments import checked
from andon_quality.arrays import BoolArray, FloatArray, IntArray, beyond_rounding
from andon_quality.calibration.bootstrap import CalibratedLimits, bootstrap_limits, charted
from andon_quality.calibration.process import Form, ProcessFit, Sampling, Values, deviations, fit
from andon_quality.calibration.scheme import ChartState, Scheme, advance, start
from andon_quality.calibration.season import CELLS
from andon_quality.calibration.selection import choose_form, choose_power, to_scale
from andon_quality.errors import Inconsistent, NoSpread, NotFinite, OutOfRange, TooFew
from andon_quality.result import Result

Autocorrelation = Literal["residual", "inflated"]
POINTS_LEAST = 30
SCALES = {1.0: "as they are", 0.5: "their square roots", 1.0 / 3.0: "their cube roots", 0.0: "their logarithms"}


@dataclass(frozen=True)
class MonitoredPoints(Result):
    """Statistics against the upper and the lower limit and the alarms, each of shape (time,) or (time, series)."""

    up: FloatArray
    down: FloatArray
    alarms: BoolArray


@dataclass(frozen=True)
class CalibratedChart:
    """A chart, its in-control ARL, and how that was derived.

    upper, lower: limits on the two statistics of `scheme`, in units of its in-control standard deviation (sigma for
    CUSUM and Shewhart). expected_mean, expected_median: of the run length in the simulation that set them, over
    baselines as well as futures; expected_error: the relative standard error of that mean. derivation: for people.
    """

    requested_arl: float
    scheme: Scheme
    upper: float
    lower: float
    expected_mean: float
    expected_median: float
    expected_error: float
    phase1_size: int
    seed: int
    power: float
    form: Form
    fitted: ProcessFit
    derivation: str

    def start(self, series: int = 1) -> ChartState:
        """The state before the first point."""
        return start(len(self.fitted.phi), series)

    def advance(
        self, state: ChartState, values: ArrayLike, sizes: ArrayLike | None = None, phase: ArrayLike | None = None
    ) -> tuple[ChartState, MonitoredPoints]:
        """The next points, shape (time,) or (time, series), NaN = missing; equal however the points are split.

        sizes, phase: shape (time,), as in `calibrate`. Cost: O(1) a point. A missing point never alarms.
        Raises Inconsistent when sizes or phase were part of the baseline and are not given here, or the reverse.
        """
        given = np.asarray(values, dtype=np.float64)
        points = given[:, None] if given.ndim == 1 else given
        if (phase is None) != (len(self.fitted.level) == 1):
            raise Inconsistent("the hour of the week must be given for a baseline with a season, and only then")
        rows = _rows(self.form.values, points[:, 0], sizes, phase)
        away = deviations(self.form, self.fitted, to_scale(points, self.power), rows)
        away = np.where(np.isnan(points), np.nan, points * 0.0 + away)
        wide = self.fitted.repeated(points.shape[1])
        state, up, down = advance(self.scheme, state, away, wide.phi, wide.sd)
        alarms = ((up > self.upper) | (down > self.lower)) & ~np.isnan(away)
        if given.ndim == 1:
            return state, MonitoredPoints(up[:, 0], down[:, 0], alarms[:, 0])
        return state, MonitoredPoints(up, down, alarms)

    def monitor(
        self, values: ArrayLike, sizes: ArrayLike | None = None, phase: ArrayLike | None = None
    ) -> MonitoredPoints:
        """All points at once, from the start; the same as `advance` bit for bit."""
        series = 1 if np.ndim(values) == 1 else np.shape(values)[1]
        return self.advance(self.start(series), values, sizes, phase)[1]


@checked
def calibrate(
    baseline: ArrayLike,
    requested_arl: float,
    kind: Values = "continuous",
    sizes: ArrayLike | None = None,
    phase: ArrayLike | None = None,
    scheme: Scheme | None = None,
    autocorrelation: Autocorrelation = "residual",
    seed: int = 0,
) -> CalibratedChart:
    """A chart for streams like `baseline` whose mean in-control run length is the requested one.

    baseline: shape (n,), in time order, NaN = missing, at least 30 points in control. kind: "continuous", "count" (of
    events; sizes = exposure) or "proportion" (counts of items with a property among `sizes` items, at least 1 each).
    sizes: shape (n,), may vary. phase: hour of the week of each point, 0 to 167, where the process has a weekly season.
    scheme: an EWMA of 0.2, of 0.1 from 300 points on, unless given. autocorrelation: "residual" charts what is new in
    each point, "inflated" the deviations themselves between limits wide enough for their autocorrelation.

    The form (scale, season, overdispersion, extra zeros, autoregression, tails) is fitted to the baseline; the limits
    are found by letting simulated baselines of the same size, refitted, judge simulated futures (`calibration`), so
    that the uncertainty of every estimate is paid for. Deterministic for a seed. Cost: about a second.
    Assumes that the baseline is in control and that the future has its form. Prefer `andon_quality.arl` with
    `phase1_size` for independent normal points: exact, and a thousand times cheaper.
    Raises TooFew, NoSpread, NotFinite (infinity), OutOfRange and Inconsistent for what its arguments cannot be.

    >>> chart = calibrate(np.random.default_rng(7).gamma(2.0, 3.0, 200), 100.0)
    >>> chart.monitor([6.0, 5.0, 400.0]).alarms.tolist()
    [False, False, True]
    """
    if not 5.0 <= requested_arl <= 20_000.0:
        raise OutOfRange(f"the requested ARL must lie in [5, 20000], got {requested_arl}")
    values = np.asarray(baseline, dtype=np.float64)
    rows = _rows(kind, values, sizes, phase)
    _check(kind, values, rows)
    scheme = scheme or Scheme("ewma", smoothing=0.1 if rows.present.sum() >= 300 else 0.2)
    if scheme.kind == "shewhart" and kind != "continuous":
        raise Inconsistent("a Shewhart chart of counts has a few run lengths only, none as requested: take an EWMA")
    power = choose_power(values, rows) if kind == "continuous" else 1.0
    scaled = to_scale(values, power)[:, None]
    form = choose_form(kind, scaled, rows)
    chart_order = form.order if autocorrelation == "residual" else 0
    fitted = fit(form, scaled, rows)
    limits = bootstrap_limits(form, fitted, rows, scheme, requested_arl, seed, chart_order)
    text = _derivation(requested_arl, scheme, form, fitted, rows, power, limits, autocorrelation, seed)
    return CalibratedChart(
        requested_arl=requested_arl,
        scheme=scheme,
        upper=limits.upper,
        lower=limits.lower,
        expected_mean=limits.mean,
        expected_median=limits.median,
        expected_error=limits.error,
        phase1_size=int(rows.present.sum()),
        seed=seed,
        power=power,
        form=form,
        fitted=charted(fitted, form, chart_order),
        derivation=text,
    )


def _rows(kind: Values, values: FloatArray, sizes: ArrayLike | None, phase: ArrayLike | None) -> Sampling:
    count = len(values)
    if np.isinf(values).any():
        raise NotFinite("a point may be missing (NaN) but not infinite")
    if sizes is not None and kind == "continuous":
        raise Inconsistent("sizes belong to counts and proportions")
    if sizes is None and kind == "proportion":
        raise Inconsistent("proportions need the number of items behind each point")
    size = np.ones(count) if sizes is None else np.asarray(sizes, dtype=np.float64)
    hour: IntArray | None = None if phase is None else np.asarray(phase, dtype=np.int64)
    if size.shape != (count,) or (hour is not None and hour.shape != (count,)):
        raise Inconsistent(f"sizes and phase must have one entry for each of the {count} points")
    # Where nothing was observed its size does not matter, and none may be known.
    size = np.where(np.isnan(values) & ~(size > 0.0), 1.0, size)
    if hour is not None and ((hour < 0) | (hour >= CELLS)).any():
        raise OutOfRange(f"the hour of the week lies in 0 to {CELLS - 1}")
    if not (np.isfinite(size) & (size > 0.0)).all():
        raise OutOfRange("sizes must be positive")
    return Sampling(size, hour, ~np.isnan(values))


def _check(kind: Values, values: FloatArray, rows: Sampling) -> None:
    known = values[rows.present]
    if len(known) < POINTS_LEAST:
        raise TooFew(f"a baseline needs at least {POINTS_LEAST} points, got {len(known)}")
    if kind == "continuous":
        if beyond_rounding(np.ptp(known), known) == 0.0:
            raise NoSpread("every value of the baseline is equal")
        return
    if (known < 0.0).any() or (known != np.round(known)).any():
        raise OutOfRange("counts must be whole numbers, none negative")
    if kind == "proportion" and (
        (known > rows.sizes[rows.present]).any() or (rows.sizes != np.round(rows.sizes)).any()
    ):
        raise OutOfRange("a proportion counts some of `sizes` whole items")
    if not known.any() or (kind == "proportion" and (known == rows.sizes[rows.present]).all()):
        raise NoSpread("the baseline holds no event, or nothing else")


def _derivation(
    requested_arl: float,
    scheme: Scheme,
    form: Form,
    fitted: ProcessFit,
    rows: Sampling,
    power: float,
    limits: CalibratedLimits,
    autocorrelation: Autocorrelation,
    seed: int,
) -> str:
    count, missing = int(rows.present.sum()), int((~rows.present).sum())
    parts = [f"Baseline of {count} points" + (f" and {missing} missing ones." if missing else ".")]
    if form.values == "continuous":
        tails = "normal" if form.innovations is None else "those of the baseline, smoothed"
        parts.append(f"Values charted {SCALES[power]}; tails {tails}.")
    else:
        extra = f", {form.zeros_share:.0%} of it by extra zeros" if form.zeros_share else ""
        name = "dispersion" if form.values == "count" else "correlation within a point"
        parts.append(
            f"{form.values.capitalize()}s standardised by their sizes; {name} {fitted.dispersion[0]:.3g}{extra}."
        )
    if rows.phase is not None:
        parts.append("Level by hour of the week: hour and day effects, cells shrunk towards them.")
    if form.order:
        taken = "charted is what is new in each point" if autocorrelation == "residual" else "limits inflated for it"
        parts.append(f"Autoregression of order {form.order} ({np.round(fitted.phi[:, 0], 2).tolist()}); {taken}.")
    parameter = {"ewma": f" with smoothing {scheme.smoothing:g}", "cusum": f" with k {scheme.k:g}", "shewhart": ""}
    parts.append(
        f"Limits {limits.upper:.3f} above and {limits.lower:.3f} below for {scheme.kind}{parameter[scheme.kind]}: "
        f"simulated baselines of this size, refitted, judged simulated futures (seed {seed}) with a mean run of "
        f"{limits.mean:.0f} points and a median of {limits.median:.0f}, for {requested_arl:g} requested "
        f"(standard error {limits.error:.1%})."
    )
    return " ".join(parts)
