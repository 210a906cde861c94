"""Power and sample size: how surely a test of so many cases finds a difference, and how many cases that takes."""

from andon_quality.power.mean import (
    anova_power,
    anova_size,
    one_mean_power,
    one_mean_size,
    two_means_power,
    two_means_size,
)
from andon_quality.power.proportion import (
    one_proportion_power,
    one_proportion_size,
    two_proportions_power,
    two_proportions_size,
)
from andon_quality.power.sample_size import SampleSize
from andon_quality.power.spread import one_sd_power, one_sd_size, two_sds_power, two_sds_size

__all__ = [
    "SampleSize",
    "anova_power",
    "anova_size",
    "one_mean_power",
    "one_mean_size",
    "one_proportion_power",
    "one_proportion_size",
    "one_sd_power",
    "one_sd_size",
    "two_means_power",
    "two_means_size",
    "two_proportions_power",
    "two_proportions_size",
    "two_sds_power",
    "two_sds_size",
]
