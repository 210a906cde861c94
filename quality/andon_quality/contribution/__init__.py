"""Which values of which dimensions moved a figure."""

from andon_quality.contribution.measure import Measure, NotAdditive
from andon_quality.contribution.split import Part, Split, additive, ratio

__all__ = ["Measure", "NotAdditive", "Part", "Split", "additive", "ratio"]
