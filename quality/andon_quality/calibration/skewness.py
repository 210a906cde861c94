"""The skewness of values whose mean and spread are known, by what kind of values they are."""

from __future__ import annotations

import numpy as np

from andon_quality.errors import OutOfRange

# The largest relative standard error of a coefficient of variation that is believed.
ERROR_MOST = 0.5


def lognormal_skewness(variation: float, cases: float = np.inf) -> float:
    """Skewness of lognormal values with this coefficient of variation (sd / mean): v^3 + 3 v.

    cases: how many the variation comes from; it is then taken one standard error higher, v sqrt((kurtosis - 1) / 4 n),
    since few cases of a heavy tail show too little of it, and limits that take it at its word are too narrow.
    What service times mostly are. Source: Brown et al. (2005), Journal of the American Statistical Association 100,
    36-50.

    >>> round(lognormal_skewness(0.5), 3), round(lognormal_skewness(0.5, 600), 3)
    (1.625, 1.728)
    """
    ratio = 1.0 + variation**2
    kurtosis = ratio**4 + 2.0 * ratio**3 + 3.0 * ratio**2 - 3.0
    high = variation * (1.0 + min(float(np.sqrt((kurtosis - 1.0) / (4.0 * cases))), ERROR_MOST))
    return high**3 + 3.0 * high


def count_skewness(mean: float, variance: float) -> float:
    """Skewness of negative binomial counts, Poisson where the variance is no larger than the mean.

    Raises OutOfRange unless the mean is positive.

    >>> count_skewness(4.0, 4.0), round(count_skewness(4.0, 8.0), 3)
    (0.5, 1.061)
    """
    if not mean > 0.0:
        raise OutOfRange(f"the mean of counts must be positive, got {mean}")
    spread = max(variance, mean)
    return float((2.0 * spread / mean - 1.0) / np.sqrt(spread))


def share_skewness(share: float, size: float, excess: float = 1.0) -> float:
    """Skewness of the number of hits among `size` items: binomial, or beta-binomial with `excess` times its variance.

    share in (0, 1); excess in [1, size). Raises OutOfRange for a share at or beyond its ends.

    >>> round(share_skewness(0.1, 100.0), 3), round(share_skewness(0.1, 100.0, 4.0), 3)
    (0.267, 0.91)
    """
    if not 0.0 < share < 1.0:
        raise OutOfRange(f"a share lies between 0 and 1, got {share}")
    plain = (1.0 - 2.0 * share) / float(np.sqrt(size * share * (1.0 - share)))
    if size <= 1.0 or excess <= 1.0:
        return plain
    # Beta-binomial with a + b = 1 / rho - 1, where the excess is 1 + (size - 1) rho.
    total = (size - 1.0) / min(excess - 1.0, 0.999 * (size - 1.0)) - 1.0
    return plain * (total + 2.0 * size) / (total + 2.0) * float(np.sqrt((1.0 + total) / (size + total)))
