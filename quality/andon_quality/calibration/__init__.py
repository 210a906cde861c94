"""Calibrated limits: charts whose in-control ARL is the requested one on streams as they are."""

from andon_quality.calibration.chart import CalibratedChart, MonitoredPoints, calibrate
from andon_quality.calibration.phase_one import (
    PhaseOne,
    ValueKind,
    phase_one_of_individuals,
    phase_one_of_means,
    phase_one_of_rates,
    phase_one_of_shares,
)
from andon_quality.calibration.scheme import ChartState, Scheme
from andon_quality.calibration.skewness import count_skewness, lognormal_skewness, share_skewness
from andon_quality.calibration.streams import Law, lag1_autocorrelation
from andon_quality.calibration.windows import (
    WINDOWS_WATCHED,
    BaselineProfile,
    Lattice,
    LimitWidth,
    ShiftDetection,
    Sides,
    WindowScheme,
    calibrate_windows,
    detection,
)

__all__ = [
    "WINDOWS_WATCHED",
    "BaselineProfile",
    "CalibratedChart",
    "ChartState",
    "Lattice",
    "Law",
    "LimitWidth",
    "MonitoredPoints",
    "PhaseOne",
    "Scheme",
    "ShiftDetection",
    "Sides",
    "ValueKind",
    "WindowScheme",
    "calibrate",
    "calibrate_windows",
    "count_skewness",
    "detection",
    "lag1_autocorrelation",
    "lognormal_skewness",
    "phase_one_of_individuals",
    "phase_one_of_means",
    "phase_one_of_rates",
    "phase_one_of_shares",
    "share_skewness",
]
