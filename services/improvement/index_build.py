"""Makes the index of a tenant whose problems and signals were stored before there was one: once, and of any size."""

from __future__ import annotations

from services.improvement.model import SETTLED
from services.improvement.neighbourhood import Neighbourhood, store_index
from services.improvement.occurrences import occurrences
from services.improvement.problems import decide, settled_spans
from services.improvement.store import Transaction


async def build_index(transaction: Transaction, now_us: int) -> None:
    """Under the tenant's lock. All causes are found again at the next pause."""
    problems = [problem async for problem in transaction.all_problems()]
    await transaction.store_totals(problems)
    settled = [problem for problem in problems if problem.state in SETTLED]
    dealt_with = {reference.signal for problem in settled for reference in problem.signals}
    stored = [(signal, body) async for signal, body in transaction.all_signals()]
    active = [signal for signal, _ in stored if signal.name not in dealt_with]
    await transaction.index.delete_signals([signal.name for signal, _ in stored if signal.name in dealt_with])
    await transaction.index.store_signals(active, {signal.name: body for signal, body in stored})
    found = occurrences(active)
    decision = decide(found, {}, problems, now_us)
    await transaction.store(decision.changed, await transaction.head())
    # Known are none of them here: the causes of all are to be found again.
    everything = Neighbourhood(tuple(found), (), {}, tuple(active), ())
    await store_index(transaction, everything, decision, (), -1)
    await transaction.index.settle({problem.name: settled_spans(problem) for problem in settled})
