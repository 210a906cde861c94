"""Verifications with what they assume, both ways."""

from __future__ import annotations

from andon.improvement.v1 import problem_pb2

from services.improvement.model import Check, Outlook, Verdict, Verification
from services.improvement.wire.scalars import interval, member, micros, number, span_of, stamp, text, text_of


def verification_message(one: Verification) -> problem_pb2.Verification:
    found = problem_pb2.Verification(
        verdict=number(problem_pb2.Verdict, "VERDICT", one.verdict),
        effect=one.effect,
        lower=one.lower,
        upper=one.upper,
        confidence=one.confidence,
        p_value=one.p_value,
        before_mean=one.before_mean,
        after_mean=one.after_mean,
        before_windows=one.before_windows,
        after_windows=one.after_windows,
        spread_windows=one.spread_windows,
        before_interval=interval(one.before_start_us, one.before_end_us),
        after_interval=interval(one.after_start_us, one.after_end_us),
        season=one.season,
        method=one.method,
        checks=[
            problem_pb2.AssumptionCheck(
                name=check.name,
                passed=check.passed,
                value=check.value,
                meaning=text(check.meaning),
                is_needed=check.is_needed,
            )
            for check in one.checks
        ],
        warnings=[f"{check.name}: {check.meaning.en}" for check in one.checks if not check.passed],
        statement=text(one.statement),
        verify_time=stamp(one.verified_at_us),
        outlook=problem_pb2.Outlook(windows=one.outlook.windows) if one.outlook else None,
    )
    if one.outlook and one.outlook.verdict is not None:
        found.outlook.verdict = number(problem_pb2.Verdict, "VERDICT", one.outlook.verdict)
    return found


def verification_of(message: problem_pb2.Verification) -> Verification:
    before_start_us, before_end_us = span_of(message.before_interval)
    after_start_us, after_end_us = span_of(message.after_interval)
    is_decided = message.outlook.verdict != problem_pb2.VERDICT_UNSPECIFIED
    ahead = member(problem_pb2.Verdict, "VERDICT", message.outlook.verdict, Verdict) if is_decided else None
    return Verification(
        verdict=member(problem_pb2.Verdict, "VERDICT", message.verdict, Verdict),
        effect=message.effect,
        lower=message.lower,
        upper=message.upper,
        confidence=message.confidence,
        p_value=message.p_value,
        before_mean=message.before_mean,
        after_mean=message.after_mean,
        before_windows=message.before_windows,
        after_windows=message.after_windows,
        spread_windows=message.spread_windows,
        before_start_us=before_start_us,
        before_end_us=before_end_us,
        after_start_us=after_start_us,
        after_end_us=after_end_us,
        season=message.season,
        method=message.method,
        checks=tuple(
            Check(check.name, check.passed, check.value, text_of(check.meaning), check.is_needed)
            for check in message.checks
        ),
        statement=text_of(message.statement),
        verified_at_us=micros(message.verify_time),
        outlook=Outlook(message.outlook.windows, ahead) if message.HasField("outlook") else None,
    )
