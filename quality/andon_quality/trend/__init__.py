"""Does a series drift, repeat, jump, and where does it go from here."""

from andon_quality.trend.change_points import binary_segmentation, pelt
from andon_quality.trend.decomposition import Decomposition, moving_average, seasonal_trend
from andon_quality.trend.exponential import Smoother, SmootherState, advance
from andon_quality.trend.forecasts import Forecast, coverage, forecast, forecast_on
from andon_quality.trend.mann_kendall import Correction, MonotoneTrend, mann_kendall, seasonal_mann_kendall
from andon_quality.trend.segment_cost import SegmentModel
from andon_quality.trend.theil_sen import Line, theil_sen

__all__ = [
    "Correction",
    "Decomposition",
    "Forecast",
    "Line",
    "MonotoneTrend",
    "SegmentModel",
    "Smoother",
    "SmootherState",
    "advance",
    "binary_segmentation",
    "coverage",
    "forecast",
    "forecast_on",
    "mann_kendall",
    "moving_average",
    "pelt",
    "seasonal_mann_kendall",
    "seasonal_trend",
    "theil_sen",
]
