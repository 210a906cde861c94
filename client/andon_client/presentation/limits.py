"""What the limits of a chart are worth: a centre that is a bound, limits that are capped, a shift that is not seen."""

from __future__ import annotations

from andon.scoring.v1 import score_pb2

from andon_client.presentation.formats import number
from andon_client.presentation.phrases import say

_BOUNDS = {
    score_pb2.Baseline.CENTRE_BOUND_AT_MOST: "≤ ",
    score_pb2.Baseline.CENTRE_BOUND_AT_LEAST: "≥ ",
}


def centre_text(centre: str, baseline: score_pb2.Baseline) -> str:
    """With a sign before it where phase I was perfect and bounds the process only."""
    return f"{_BOUNDS.get(baseline.centre_bound, '')}{centre}"


def delay_text(calibration: score_pb2.LimitCalibration) -> str:
    """Windows until half of the lasting shifts are found; "-": an earlier release did not say."""
    if not calibration.HasField("detection"):
        return "-"
    seen = calibration.detection
    return str(seen.median_delay_windows) if seen.HasField("median_delay_windows") else "> 100"


def is_blind(calibration: score_pb2.LimitCalibration) -> bool:
    return calibration.HasField("detection") and not calibration.detection.detects


def caveats(baseline: score_pb2.Baseline, locale: str) -> list[str]:
    """One line for each thing that a reader of the chart must know."""
    found: list[str] = []
    seen = baseline.calibration.detection
    if baseline.centre_bound:
        found.append(say("centre_is_bound", locale, centre=centre_text(number(baseline.centre), baseline)))
    if baseline.calibration.is_capped:
        found.append(say("limits_capped", locale))
    if is_blind(baseline.calibration):
        words = {"shift": number(seen.shift_sigma), "windows": seen.within_windows}
        found.append(say("chart_blind", locale, chance=f"{100.0 * seen.probability:.0f}", **words))
    return found
