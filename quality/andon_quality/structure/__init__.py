"""Structure in a table: correlations, factors, clusters, regression, drivers and association rules."""

from andon_quality.structure.adequacy import Adequacy, adequacy, eigenvalues, parallel_analysis
from andon_quality.structure.association import AssociationRule, association_rules, frequent_sets
from andon_quality.structure.clusters import Choice, Clusters, choose_clusters, cluster, silhouettes
from andon_quality.structure.correlation import (
    Association,
    Correlations,
    MultiplicityAdjustment,
    correlate,
    correlation_matrix,
)
from andon_quality.structure.drivers import Drivers, drivers
from andon_quality.structure.factors import Factors, Rotation, factor_analysis
from andon_quality.structure.regression import Errors, RegressionFit, regress, variance_inflation
from andon_quality.structure.rotation import promax, varimax
from andon_quality.structure.table import standardised

__all__ = [
    "Adequacy",
    "Association",
    "AssociationRule",
    "Choice",
    "Clusters",
    "Correlations",
    "Drivers",
    "Errors",
    "Factors",
    "MultiplicityAdjustment",
    "RegressionFit",
    "Rotation",
    "adequacy",
    "association_rules",
    "choose_clusters",
    "cluster",
    "correlate",
    "correlation_matrix",
    "drivers",
    "eigenvalues",
    "factor_analysis",
    "frequent_sets",
    "parallel_analysis",
    "promax",
    "regress",
    "silhouettes",
    "standardised",
    "variance_inflation",
    "varimax",
]
