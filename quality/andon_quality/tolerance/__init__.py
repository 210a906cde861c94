"""Tolerance intervals: where at least a stated share of the population lies, with a stated confidence."""

from andon_quality.tolerance.distribution_free import distribution_free, distribution_free_size
from andon_quality.tolerance.normal import normal, normal_factor
from andon_quality.tolerance.tolerance_interval import Sided, ToleranceInterval

__all__ = [
    "Sided",
    "ToleranceInterval",
    "distribution_free",
    "distribution_free_size",
    "normal",
    "normal_factor",
]
