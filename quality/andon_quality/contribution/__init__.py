"""Which values of which dimensions moved a figure."""

from andon_quality.contribution.localization import LocalizedCause, localize
from andon_quality.contribution.measure import MeasureType, NotAdditive
from andon_quality.contribution.split import Part, Split, additive, ratio

__all__ = ["LocalizedCause", "MeasureType", "NotAdditive", "Part", "Split", "additive", "localize", "ratio"]
