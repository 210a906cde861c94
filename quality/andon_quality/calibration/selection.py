"""Which form a baseline has: scale of symmetry, autoregression, tails, the share of extra zeros."""

from __future__ import annotations

import numpy as np

from andon_quality.arrays import FloatArray
from andon_quality.calibration.autoregression import ORDER_MOST, autocovariances, choose_order
from andon_quality.calibration.process import Form, Sampling, Values, deviations, fit, zero_inflation

# The scales tried on positive values: as they are, square root, cube root (gamma), logarithm (lognormal).
POWERS = (1.0, 0.5, 1.0 / 3.0, 0.0)
CLEARLY_BETTER = 2.0
# The 1 % point of chi-square with two degrees of freedom, for skewness and kurtosis together.
NOT_NORMAL = 9.21


def to_scale(values: FloatArray, power: float) -> FloatArray:
    """values^power, the logarithm for 0, unchanged for 1; values below the smallest normal number count as that.

    >>> to_scale(np.array([4.0]), 0.5).item(), to_scale(np.array([1.0]), 0.0).item()
    (2.0, 0.0)
    """
    if power == 1.0:
        return values
    positive = np.where(np.isnan(values), np.nan, np.maximum(values, 1e-12))
    return np.asarray(np.log(positive) if power == 0.0 else positive**power)


def choose_power(values: FloatArray, rows: Sampling) -> float:
    """The scale on which the deviations from the level are nearest to normal by likelihood; 1 unless clearly worse.

    values: shape (n,), NaN where missing. Values that are not all positive stay as they are.
    Source: Box and Cox (1964), Journal of the Royal Statistical Society B 26, 211-252.

    >>> choose_power(np.array([-1.0, 2.0]), Sampling(np.ones(2), None, np.full(2, True)))
    1.0
    """
    known = values[rows.present]
    if (known <= 0.0).any():
        return 1.0

    def support(power: float) -> float:
        scaled = to_scale(values, power)[:, None]
        spread = float(np.nanstd(deviations(Form("continuous"), fit(Form("continuous"), scaled, rows), scaled, rows)))
        slope = np.log(power) if power > 0.0 else 0.0
        return float(-len(known) * np.log(spread) + ((power - 1.0) * np.log(known) + slope).sum())

    found = [support(power) for power in POWERS]
    return POWERS[int(np.argmax(found))] if max(found) > found[0] + CLEARLY_BETTER else 1.0


def choose_form(kind: Values, values: FloatArray, rows: Sampling) -> Form:
    """The form of one baseline, values: shape (n, 1), already on its scale.

    The order of autoregression (`choose_order`) is up to 5, for counts up to 3; innovations are the residuals
    themselves where Jarque and Bera's test rejects normal ones at 1 %; the share of extra zeros by likelihood.

    >>> noise = np.random.default_rng(2).standard_normal((200, 1))
    >>> choose_form("continuous", noise, Sampling(np.ones(200), None, np.full(200, True))).order
    0
    """
    plain = Form(kind)
    fitted = fit(plain, values, rows)
    away = deviations(plain, fitted, values, rows)
    lags = min(ORDER_MOST if kind == "continuous" else 3, len(values) // 20)
    order = choose_order(autocovariances(away, rows.present, max(lags, 1)), int(rows.present.sum()))
    if kind == "continuous":
        return Form(kind, order, 0.0, _innovations(values, Form(kind, order), rows))
    share = _zeros_share(values, rows) if kind == "count" and order == 0 else 0.0
    return Form(kind, order, share)


def _innovations(values: FloatArray, form: Form, rows: Sampling) -> FloatArray | None:
    fitted = fit(form, values, rows)
    away = deviations(form, fitted, values, rows)[:, 0]
    forecast = np.zeros_like(away)
    for lag, share in enumerate(fitted.phi[:, 0], 1):
        forecast[lag:] += share * away[:-lag]
    new = (away - forecast)[form.order :]
    new = new[~np.isnan(new)]
    new = (new - new.mean()) / new.std()
    strange = len(new) / 6.0 * ((new**3).mean() ** 2 + 0.25 * ((new**4).mean() - 3.0) ** 2)
    return new if strange > NOT_NORMAL else None


def _zeros_share(values: FloatArray, rows: Sampling) -> float:
    """The likeliest share of the overdispersion that comes from extra zeros, on a grid of twentieths."""
    from scipy.special import gammaln

    fitted = fit(Form("count"), values, rows)
    alpha = float(fitted.dispersion[0])
    if alpha < 1e-6:
        return 0.0
    level = fitted.level[0, 0] if rows.phase is None else fitted.level[rows.phase, 0]
    mean, counts = (level * rows.sizes)[rows.present], values[rows.present, 0]

    def support(share: float) -> float:
        extra, left = zero_inflation(alpha, share)
        size, mu = 1.0 / max(left, 1e-9), mean / (1.0 - extra)
        log_mass = gammaln(counts + size) - gammaln(size) - gammaln(counts + 1.0)
        log_mass += size * np.log(size / (size + mu)) + counts * np.log(mu / (size + mu))
        mass = (1.0 - extra) * np.exp(log_mass) + extra * (counts == 0.0)
        return float(np.log(np.maximum(mass, 1e-300)).sum())

    shares = np.linspace(0.0, 1.0, 21)
    found = [support(float(share)) for share in shares]
    return float(shares[int(np.argmax(found))]) if max(found) > found[0] + CLEARLY_BETTER else 0.0
