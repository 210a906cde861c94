"""Scoring's signals, as improvement speaks of them."""

from __future__ import annotations

from andon.improvement.v1 import problem_pb2
from andon.scoring.v1 import indicator_system_pb2, score_pb2

from services.improvement.model import ActiveSignal, SignalReference, family_of
from services.improvement.window_kinds import window_of
from services.improvement.wire.scalars import interval, micros, span_of

# Limits that lie nearer to the centre than this, in its own size, are rounding and no spread.
SPREAD_MIN = 1e-12


def is_active(signal: score_pb2.Signal) -> bool:
    """Only an active, adverse signal speaks for a problem, and only where the chart has a spread to judge by."""
    return signal.state == score_pb2.Signal.STATE_ACTIVE and signal.adverse and _severity(signal) > 0


def active_signal(signal: score_pb2.Signal) -> ActiveSignal:
    return ActiveSignal(
        name=signal.name,
        family=family_of(signal.series),
        series=signal.series,
        window=window_of(signal.series),
        start_us=micros(signal.interval.start),
        end_us=micros(signal.interval.end),
        rule=signal.rule,
        value=signal.value,
        centre=signal.centre,
        severity=_severity(signal),
        arl0=signal.arl0,
        baseline_start_us=micros(signal.baseline.interval.start),
        baseline_end_us=micros(signal.baseline.interval.end),
        symptom_of=tuple(signal.symptom_of),
    )


def _severity(signal: score_pb2.Signal) -> float:
    """Distance from the centre in sigma: a limit lies `limit_width` sigma away, unless the quantity ends before it."""
    reach = max(signal.upper - signal.centre, signal.centre - signal.lower)
    if reach <= SPREAD_MIN * max(1.0, abs(signal.centre)):
        return 0.0
    return abs(signal.value - signal.centre) / reach * signal.baseline.limit_width


def window_number(name: str) -> indicator_system_pb2.Window.ValueType:
    return indicator_system_pb2.Window.Value(f"WINDOW_{name.upper()}")


def reference_message(reference: SignalReference) -> problem_pb2.SignalReference:
    return problem_pb2.SignalReference(
        signal=reference.signal,
        series=reference.series,
        interval=interval(reference.start_us, reference.end_us),
        rule=reference.rule,
        value=reference.value,
        centre=reference.centre,
        arl0=reference.arl0,
        symptom=reference.symptom,
    )


def reference_of(message: problem_pb2.SignalReference) -> SignalReference:
    start_us, end_us = span_of(message.interval)
    return SignalReference(
        signal=message.signal,
        series=message.series,
        start_us=start_us,
        end_us=end_us,
        rule=message.rule,
        value=message.value,
        centre=message.centre,
        arl0=message.arl0,
        symptom=message.symptom,
    )
