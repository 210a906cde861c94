"""Does a series drift, repeat, jump, and where does it go from here."""

from andon_quality.trend.change_points import binary_segmentation, pelt
from andon_quality.trend.segment_cost import SegmentModel

__all__ = ["SegmentModel", "binary_segmentation", "pelt"]
