"""Lifetimes and durations of which some are not over yet: fits by maximum likelihood with censoring."""

from andon_quality.lifetime.fit import LifetimeFit
from andon_quality.lifetime.lognormal import fit_lognormal
from andon_quality.lifetime.weibull import fit_weibull

__all__ = ["LifetimeFit", "fit_lognormal", "fit_weibull"]
