"""A settled problem that is worked on again: its signals, and those of its span since, are active again.

The signals of a settled problem are deleted, and later ones of its span are never stored, so they are asked for from
scoring. The tenant's lock is held from before the question: what scoring changes afterwards lies after the cursor that
the intake has stored, so the intake meets it again and corrects what was read here.
"""

from __future__ import annotations

from services.improvement.model import EvidenceSpan, Problem
from services.improvement.neighbourhood import gather, store_index
from services.improvement.occurrences import QUIET_US_MAX
from services.improvement.problems import ProblemDecision, decide, settled_spans
from services.improvement.scoring_client import ScoringClient
from services.improvement.store import Transaction


async def reinstate(
    transaction: Transaction, restored: Problem, scoring: ScoringClient, now_us: int
) -> ProblemDecision:
    """`restored`: as it was stored, in this transaction. What else changed, since its signals count again."""
    spans = settled_spans(restored)
    if not spans:
        return ProblemDecision((), {})
    await transaction.index.unsettle(restored.name, spans)
    families = sorted({span.run.family for span in spans}, key=lambda one: (one.process, one.system, one.indicator))
    start_us = min(span.run.joins_us for span in spans)
    came = await scoring.active_signals(families, start_us, now_us + QUIET_US_MAX)
    found = await gather(transaction, came.signals, [restored.name])
    decision = decide(found.occurrences, {}, found.problems, now_us)
    await transaction.store(decision.changed, await transaction.lock())
    await transaction.index.store_signals(found.active, came.bodies)
    await transaction.index.delete_signals(found.gone)
    await store_index(transaction, found, decision, (), -1)
    # Its causes are found again at the next pause: scores may have changed meanwhile.
    await transaction.index.store_evidence(
        [
            EvidenceSpan(
                restored.name,
                one.family,
                one.own[0].baseline_start_us,
                one.own[0].baseline_end_us,
                one.start_us,
                one.end_us,
                position=-1,
            )
            for one in found.occurrences
            if decision.owners[one.name] == restored.name
        ]
    )
    return decision
