"""Measurement system analysis: how much of what is measured is the measurement itself."""

from andon_quality.measurement.attribute import AgreementShare, AttributeStudy, ErrorShare, attribute_agreement
from andon_quality.measurement.crossed import crossed
from andon_quality.measurement.gauge import AnovaRow, GaugeGrade, GaugeStudy, VarianceComponent, arranged
from andon_quality.measurement.linearity import BiasAt, Linearity, linearity
from andon_quality.measurement.nested import nested

__all__ = [
    "AgreementShare",
    "AnovaRow",
    "AttributeStudy",
    "BiasAt",
    "ErrorShare",
    "GaugeGrade",
    "GaugeStudy",
    "Linearity",
    "VarianceComponent",
    "arranged",
    "attribute_agreement",
    "crossed",
    "linearity",
    "nested",
]
