"""Description of a sample: exact streaming moments, quantile sketches with a stated error, and summaries."""

from andon_quality.describe.grouped_quantiles import GroupedSketch, grouped_sketch
from andon_quality.describe.moments import GroupedMoments, Moments, grouped_moments, merge, moments_of, quantise
from andon_quality.describe.quantiles import QuantileSketch
from andon_quality.describe.summary import Summary, median_interval, quantiles, summary

__all__ = [
    "GroupedMoments",
    "GroupedSketch",
    "Moments",
    "QuantileSketch",
    "Summary",
    "grouped_moments",
    "grouped_sketch",
    "median_interval",
    "merge",
    "moments_of",
    "quantiles",
    "quantise",
    "summary",
]
