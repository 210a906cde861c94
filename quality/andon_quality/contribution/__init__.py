"""Which values of which dimensions moved a figure."""

from andon_quality.contribution.localize import Cause, localize
from andon_quality.contribution.measure import Measure, NotAdditive
from andon_quality.contribution.split import Part, Split, additive, ratio

__all__ = ["Cause", "Measure", "NotAdditive", "Part", "Split", "additive", "localize", "ratio"]
