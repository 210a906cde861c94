"""Exact run lengths of control schemes, and the limits that have a requested one."""

from andon_quality.arl.design import design
from andon_quality.arl.ewma import design_ewma, ewma, ewma_run
from andon_quality.arl.run_length import RunLength, steady_state_delay
from andon_quality.arl.shewhart import design_shewhart, shewhart, shewhart_run

__all__ = [
    "RunLength",
    "design",
    "design_ewma",
    "design_shewhart",
    "ewma",
    "ewma_run",
    "shewhart",
    "shewhart_run",
    "steady_state_delay",
]
