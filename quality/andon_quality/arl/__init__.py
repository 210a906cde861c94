"""Exact run lengths of control schemes, and the limits that have a requested one."""

from andon_quality.arl.cusum import cusum, cusum_curve, cusum_run, design_cusum
from andon_quality.arl.design import design
from andon_quality.arl.ewma import design_ewma, ewma, ewma_curve, ewma_run
from andon_quality.arl.individuals_range import design_individuals_range, individuals_range, individuals_range_run
from andon_quality.arl.lattice_cusum import (
    binomial_cusum,
    binomial_cusum_run,
    design_binomial_cusum,
    design_poisson_cusum,
    lattice_run,
    poisson_cusum,
    poisson_cusum_run,
)
from andon_quality.arl.mewma import design_mewma, mewma, mewma_run
from andon_quality.arl.one_sided import ewma_one_sided, shewhart_one_sided
from andon_quality.arl.run_length import RunLength, steady_state_delay
from andon_quality.arl.s2_cusum import design_s2_cusum, s2_cusum, s2_cusum_run
from andon_quality.arl.s2_ewma import design_s2_ewma, s2_ewma, s2_ewma_run
from andon_quality.arl.shewhart import design_shewhart, shewhart, shewhart_curve, shewhart_run
from andon_quality.arl.shewhart_ar1 import design_shewhart_ar1, shewhart_ar1, shewhart_ar1_run
from andon_quality.arl.shiryaev_roberts import design_shiryaev_roberts, shiryaev_roberts, shiryaev_roberts_run

__all__ = [
    "RunLength",
    "binomial_cusum",
    "binomial_cusum_run",
    "cusum",
    "cusum_curve",
    "cusum_run",
    "design",
    "design_binomial_cusum",
    "design_cusum",
    "design_ewma",
    "design_individuals_range",
    "design_mewma",
    "design_poisson_cusum",
    "design_s2_cusum",
    "design_s2_ewma",
    "design_shewhart",
    "design_shewhart_ar1",
    "design_shiryaev_roberts",
    "ewma",
    "ewma_curve",
    "ewma_one_sided",
    "ewma_run",
    "individuals_range",
    "individuals_range_run",
    "lattice_run",
    "mewma",
    "mewma_run",
    "poisson_cusum",
    "poisson_cusum_run",
    "s2_cusum",
    "s2_cusum_run",
    "s2_ewma",
    "s2_ewma_run",
    "shewhart",
    "shewhart_ar1",
    "shewhart_ar1_run",
    "shewhart_curve",
    "shewhart_one_sided",
    "shewhart_run",
    "shiryaev_roberts",
    "shiryaev_roberts_run",
    "steady_state_delay",
]
