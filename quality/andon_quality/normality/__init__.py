"""Whether values may come from a normal distribution: tests and the probability plot."""

from andon_quality.normality.anderson_darling import anderson_darling
from andon_quality.normality.normality_test import NormalityTest
from andon_quality.normality.probability_plot import ProbabilityPlot, probability_plot
from andon_quality.normality.ryan_joiner import ryan_joiner
from andon_quality.normality.shapiro_wilk import shapiro_wilk

__all__ = [
    "NormalityTest",
    "ProbabilityPlot",
    "anderson_darling",
    "probability_plot",
    "ryan_joiner",
    "shapiro_wilk",
]
