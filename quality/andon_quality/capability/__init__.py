"""Process capability: how much of the specification a stable process fills, normal or not, measured or counted."""

from andon_quality.capability.attribute import (
    Defectives,
    Defects,
    defectives,
    defects,
    dpmo_of_sigma_level,
    sigma_level,
)
from andon_quality.capability.indices import Capability, Estimate, Specification, from_moments, of
from andon_quality.capability.nonnormal import NonNormal, by_fit, by_percentiles

__all__ = [
    "Capability",
    "Defectives",
    "Defects",
    "Estimate",
    "NonNormal",
    "Specification",
    "by_fit",
    "by_percentiles",
    "defectives",
    "defects",
    "dpmo_of_sigma_level",
    "from_moments",
    "of",
    "sigma_level",
]
