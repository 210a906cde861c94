"""Capability and loss as protobuf."""

from __future__ import annotations

from collections.abc import Mapping

from andon.scoring.v1 import capability_pb2
from andon_quality.capability import Specification
from andon_quality.errors import QualityError

from services.runtime.errors import invalid, invalid_number
from services.scoring.scores.capability import (
    CapabilityIndex,
    CapabilityStudy,
    Distribution,
    Spread,
    StudyOptions,
    limits_of,
)
from services.scoring.scores.loss import LossForm, LossTerms, MissingTerm, WindowLoss, terms_of
from services.scoring.system.model import Aggregate, Indicator, SystemSpec
from services.scoring.wire.confidence import confidence_of
from services.scoring.wire.scores import interval, text

QUANTILE_TYPE, QUANTILE_TYPES = 8, 9
SHIFT, SHIFT_MAX = 1.5, 10.0
OPPORTUNITIES_MAX = 1e9

_Request = capability_pb2.GetCapabilityRequest
DISTRIBUTIONS: Mapping[int, Distribution] = {
    _Request.DISTRIBUTION_UNSPECIFIED: Distribution.UNSPECIFIED,
    _Request.DISTRIBUTION_NORMAL: Distribution.NORMAL,
    _Request.DISTRIBUTION_FITTED: Distribution.FITTED,
    _Request.DISTRIBUTION_PERCENTILES: Distribution.PERCENTILES,
}
SPREADS: Mapping[int, Spread] = {
    _Request.SPREAD_UNSPECIFIED: Spread.UNSPECIFIED,
    _Request.SPREAD_MEAN_RANGE: Spread.MEAN_RANGE,
    _Request.SPREAD_MEAN_SD: Spread.MEAN_SD,
    _Request.SPREAD_POOLED: Spread.POOLED,
    _Request.SPREAD_MOVING_RANGE: Spread.MOVING_RANGE,
}
FORMS: Mapping[int, LossForm | None] = {
    capability_pb2.GetLossRequest.FORM_UNSPECIFIED: None,
    capability_pb2.GetLossRequest.FORM_NOMINAL: LossForm.NOMINAL,
    capability_pb2.GetLossRequest.FORM_SMALLER: LossForm.SMALLER,
    capability_pb2.GetLossRequest.FORM_LARGER: LossForm.LARGER,
}
INDICES = ("cp", "cpl", "cpu", "cpk", "cpm", "pp", "ppl", "ppu", "ppk", "dpmo", "sigma_level")
FORM_NUMBERS: Mapping[LossForm, int] = {form: number for number, form in FORMS.items() if form is not None}


def study_options(request: capability_pb2.GetCapabilityRequest) -> StudyOptions:
    if not 0 <= request.quantile_type <= QUANTILE_TYPES:
        raise invalid("quantile_type", f"must lie between 1 and {QUANTILE_TYPES}; 0 means {QUANTILE_TYPE}")
    if not 0 <= request.opportunities <= OPPORTUNITIES_MAX:
        raise invalid("opportunities", f"must lie between 0 and {OPPORTUNITIES_MAX:g}")
    if not 0 <= request.shift <= SHIFT_MAX:
        raise invalid("shift", f"must lie between 0 and {SHIFT_MAX:g}")
    return StudyOptions(
        DISTRIBUTIONS[request.distribution],
        SPREADS[request.spread],
        confidence_of(request.confidence),
        request.quantile_type or QUANTILE_TYPE,
        request.opportunities,
        request.shift if request.HasField("shift") else SHIFT,
    )


def values_of(
    request: capability_pb2.GetCapabilityRequest, spec: SystemSpec, indicator: Indicator | None
) -> capability_pb2.ValuesOf.ValueType:
    if indicator is None or spec.ratio(indicator) is not None:
        if request.values_of == capability_pb2.VALUES_OF_CASES:
            what = "a composite" if indicator is None else "a ratio"
            raise invalid("values_of", f"{what} has windows and no cases of its own")
        return capability_pb2.VALUES_OF_WINDOWS
    if request.values_of:
        return request.values_of
    return (
        capability_pb2.VALUES_OF_WINDOWS
        if indicator.aggregate is Aggregate.SUM and not request.opportunities
        else capability_pb2.VALUES_OF_CASES
    )


def has_limit(limits: capability_pb2.SpecificationLimits) -> bool:
    return limits.HasField("lower") or limits.HasField("upper")


def specification(given: capability_pb2.SpecificationLimits, indicator: Indicator | None) -> Specification:
    """What the request says, else the indicator."""
    if not has_limit(given):
        found = limits_of(indicator) if indicator else None
        if found is None:
            message = "are needed: the indicator has no target that they could follow from"
            raise invalid("limits", message, "FIELD_REQUIRED")
        return found
    lower, upper, target = (
        getattr(given, name) if given.HasField(name) else None for name in ("lower", "upper", "target")
    )
    try:
        return Specification(lower, upper, target)
    except QualityError as error:
        raise invalid("limits", str(error)) from error


def loss_terms(request: capability_pb2.GetLossRequest, spec: SystemSpec, indicator: Indicator | None) -> LossTerms:
    if indicator is None:
        raise invalid("series", "is a composite: points cost nothing, the indicators below it do")
    if not spec.knows_squares(indicator):
        raise invalid("series", "is a ratio without squares: how far its cases are from their mean is unknown")
    if not request.cost > 0:
        raise invalid_number("cost", "must be above 0", request.cost)
    if request.tolerance < 0:
        raise invalid("tolerance", "must not be negative")
    target = request.target if request.HasField("target") else None
    try:
        return terms_of(indicator, FORMS[request.form], request.cost, request.tolerance, target)
    except MissingTerm as error:
        message = "is needed: the indicator has no target that it could follow from"
        raise invalid(error.field, message, "FIELD_REQUIRED") from error
    except QualityError as error:
        raise invalid("tolerance", str(error)) from error


def limits_message(limits: Specification, is_requested: bool) -> capability_pb2.SpecificationLimits:
    origin = capability_pb2.SpecificationLimits.Origin
    return capability_pb2.SpecificationLimits(
        lower=limits.lower,
        upper=limits.upper,
        target=limits.aim,
        origin=origin.ORIGIN_REQUEST if is_requested else origin.ORIGIN_INDICATOR_TARGET,
    )


def study_message(study: CapabilityStudy) -> capability_pb2.GetCapabilityResponse:
    """All but what was asked for."""
    response = capability_pb2.GetCapabilityResponse(
        count=study.count,
        subgroup_count=study.subgroup_count,
        mean=study.mean,
        sigma_within=study.sigma_within,
        sigma_overall=study.sigma_overall,
        spread=study.spread,
        distribution=study.distribution,
        expected_below_ppm=study.expected[0],
        expected_above_ppm=study.expected[1],
        observed_below_ppm=study.observed[0],
        observed_above_ppm=study.observed[1],
        assumptions=[
            capability_pb2.CapabilityAssumption(
                name=one.name, is_met=one.is_met, explanation=text(one.explanation), p_value=one.p_value
            )
            for one in study.assumptions
        ],
        summary=text(study.summary),
        is_extrapolated=study.is_extrapolated,
    )
    for name in INDICES:
        index: CapabilityIndex | None = getattr(study, name)
        if index is not None:
            getattr(response, name).CopyFrom(
                capability_pb2.CapabilityIndex(value=index.value, lower=index.lower, upper=index.upper)
            )
    return response


def loss_message(loss: WindowLoss) -> capability_pb2.WindowLoss:
    return capability_pb2.WindowLoss(
        interval=interval(loss.window),
        count=loss.count,
        mean=loss.mean,
        sd=loss.sd,
        per_case=loss.per_case,
        off_target=loss.off_target,
        spread=loss.spread,
        total=loss.total,
    )
