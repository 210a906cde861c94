"""What this process holds per tenant: its problem log, followed, and scoring as the tenant sees it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, partial

from services.improvement.scoring_client import ScoringClient
from services.improvement.store import LogEntry, ProblemStore
from services.runtime.drain import Draining
from services.runtime.notifier import Notifier
from services.runtime.tail import Tail


class Tenant:
    """`changed` is notified whenever the tenant's problem log grew or more of scoring's log was settled."""

    def __init__(
        self, name: str, store: ProblemStore, draining: Draining, scoring_of: Callable[[str], ScoringClient]
    ) -> None:
        self.changed = Notifier()
        self._name = name
        self._scoring_of = scoring_of
        self.tail: Tail[LogEntry] = Tail(partial(store.log, name), self.changed, draining)

    @cached_property
    def scoring(self) -> ScoringClient:
        return self._scoring_of(self._name)


class Tenants:
    def __init__(self, store: ProblemStore, draining: Draining, scoring_of: Callable[[str], ScoringClient]) -> None:
        self._store = store
        self._draining = draining
        self._scoring_of = scoring_of
        self._known: dict[str, Tenant] = {}

    def of(self, tenant: str) -> Tenant:
        if tenant not in self._known:
            self._known[tenant] = Tenant(tenant, self._store, self._draining, self._scoring_of)
        return self._known[tenant]

    def wake(self, tenant: str) -> None:
        """Empty: all."""
        for name, one in self._known.items():
            if tenant in ("", name):
                one.changed.notify()
