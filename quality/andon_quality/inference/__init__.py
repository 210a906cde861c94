"""Inference: every comparison returns an effect, its interval, a p value and the checks of what it assumes."""

from andon_quality.inference.comparison import AssumptionCheck, Comparison
from andon_quality.inference.contingency import chi_square
from andon_quality.inference.exact import fisher
from andon_quality.inference.interval import Interval
from andon_quality.inference.means import one_mean, paired, welch
from andon_quality.inference.multiple import benjamini_hochberg, holm
from andon_quality.inference.proportion import clopper_pearson, compare_proportions, wilson
from andon_quality.inference.ranks import hodges_lehmann, kruskal, mann_whitney
from andon_quality.inference.variance import anova, brown_forsythe, compare_spread

__all__ = [
    "AssumptionCheck",
    "Comparison",
    "Interval",
    "anova",
    "benjamini_hochberg",
    "brown_forsythe",
    "chi_square",
    "clopper_pearson",
    "compare_proportions",
    "compare_spread",
    "fisher",
    "hodges_lehmann",
    "holm",
    "kruskal",
    "mann_whitney",
    "one_mean",
    "paired",
    "welch",
    "wilson",
]
