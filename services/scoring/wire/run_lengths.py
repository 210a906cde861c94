"""Charts of the contract as schemes with run lengths, and what is answered of them."""

from __future__ import annotations

from collections.abc import Sequence

from andon.scoring.v1 import run_length_pb2 as pb
from andon_quality.rules import NAMED

from services.runtime.errors import invalid, invalid_number
from services.scoring.scores import run_lengths
from services.scoring.scores.run_lengths import ChartScheme, RunLengthRow

SIZE_MAX = 1_000_000
PHASE1_MIN, DIMENSIONS_MAX, RATE_MAX = 2, 100, 1e4


def scheme_of(request: pb.GetRunLengthRequest) -> ChartScheme:
    """INVALID_ARGUMENT with the field."""
    kind = request.WhichOneof("chart")
    size = request.phase1_size or None
    if size is not None:
        if not PHASE1_MIN <= size <= SIZE_MAX:
            raise invalid_number("phase1_size", f"must lie between {PHASE1_MIN} and {SIZE_MAX:,}", size)
        if kind not in ("shewhart", "cusum", "ewma") or request.ewma.varying_limits:
            raise invalid("phase1_size", "is for Shewhart, CUSUM and EWMA with fixed limits")
    match kind:
        case "shewhart":
            rules = list(request.shewhart.rules) or ["WE1"]
            for place, name in enumerate(rules):
                if name not in NAMED:
                    raise invalid(f"shewhart.rules[{place}]", f"must be one of {', '.join(sorted(NAMED))}")
            return run_lengths.shewhart(rules, size)
        case "cusum":
            share = _between("cusum.head_start_share", request.cusum.head_start_share, 0, 0.5)
            is_upper = request.cusum.sides == pb.SIDES_UPPER
            return run_lengths.cusum(_reference("cusum", request.cusum.reference), share, is_upper, size)
        case "ewma":
            is_upper = request.ewma.sides == pb.SIDES_UPPER
            smoothing = _smoothing("ewma", request.ewma.smoothing)
            return run_lengths.ewma(smoothing, request.ewma.varying_limits, is_upper, size)
        case "individuals_range":
            return run_lengths.individuals_range()
        case "poisson_cusum":
            mean = _positive("poisson_cusum.mean", request.poisson_cusum.mean)
            return run_lengths.poisson_cusum(mean, _optional("poisson_cusum", request.poisson_cusum.reference))
        case "binomial_cusum":
            given = request.binomial_cusum
            if not 1 <= given.size <= SIZE_MAX:
                raise invalid_number("binomial_cusum.size", f"must lie between 1 and {SIZE_MAX:,}", given.size)
            if not 0 < given.share < 1:
                raise invalid_number("binomial_cusum.share", "must lie between 0 and 1", given.share)
            return run_lengths.binomial_cusum(given.size, given.share, _optional("binomial_cusum", given.reference))
        case "mewma":
            if not 1 <= request.mewma.dimensions <= DIMENSIONS_MAX:
                message = f"must lie between 1 and {DIMENSIONS_MAX}"
                raise invalid_number("mewma.dimensions", message, request.mewma.dimensions)
            return run_lengths.mewma(_smoothing("mewma", request.mewma.smoothing), request.mewma.dimensions)
        case "variance_cusum":
            given_cusum = request.variance_cusum
            degrees = _degrees("variance_cusum", given_cusum.degrees)
            return run_lengths.variance_cusum(degrees, _optional("variance_cusum", given_cusum.reference))
        case "variance_ewma":
            degrees = _degrees("variance_ewma", request.variance_ewma.degrees)
            return run_lengths.variance_ewma(degrees, _smoothing("variance_ewma", request.variance_ewma.smoothing))
        case "autocorrelated":
            correlation = request.autocorrelated.correlation
            if not -1 < correlation < 1:
                raise invalid("autocorrelated.correlation", "must lie between -1 and 1")
            return run_lengths.autocorrelated(correlation)
        case "shiryaev_roberts":
            return run_lengths.shiryaev_roberts(_reference("shiryaev_roberts", request.shiryaev_roberts.reference))
        case _:
            raise invalid("chart", "is required", "FIELD_REQUIRED")


def row_message(row: RunLengthRow) -> pb.RunLengthRow:
    return pb.RunLengthRow(shift=row.shift, arl=row.mean, sd=row.sd, quantiles=row.quantiles, delay=row.delay)


def numbers_of(
    field: str, given: Sequence[float], default: Sequence[float], most: int, low: float, high: float
) -> tuple[float, ...]:
    if len(given) > most:
        raise invalid(field, f"has more than {most} members")
    for place, one in enumerate(given):
        if not low < one < high:
            raise invalid(f"{field}[{place}]", f"must lie between {low:g} and {high:g}")
    return tuple(given or default)


def _between(field: str, given: float, low: float, high: float) -> float:
    if not low <= given <= high:
        raise invalid(field, f"must lie between {low:g} and {high:g}")
    return given


def _positive(field: str, given: float) -> float:
    if not 0 < given <= RATE_MAX:
        raise invalid_number(field, f"must be above 0 and at most {RATE_MAX:g}", given)
    return given


def _optional(kind: str, given: float) -> float:
    return _between(f"{kind}.reference", given, 0, RATE_MAX)


def _reference(kind: str, given: float) -> float:
    return _optional(kind, given) or run_lengths.REFERENCE


def _smoothing(kind: str, given: float) -> float:
    if given and not 0 < given <= 1:
        raise invalid(f"{kind}.smoothing", f"must lie between 0 and 1; 0 means {run_lengths.SMOOTHING}")
    return given or run_lengths.SMOOTHING


def _degrees(kind: str, given: int) -> int:
    if not 1 <= given <= SIZE_MAX:
        raise invalid_number(f"{kind}.degrees", f"must lie between 1 and {SIZE_MAX:,}", given)
    return given
