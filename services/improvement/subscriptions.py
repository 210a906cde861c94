"""The problem logs that are followed in this process, one tail for each tenant."""

from __future__ import annotations

from dataclasses import dataclass

from services.improvement.store import LogEntry, ProblemStore
from services.runtime.draining import Draining
from services.runtime.following import Notifier, Tail


@dataclass(frozen=True)
class Subscription:
    changed: Notifier
    tail: Tail[LogEntry]


class Subscriptions:
    def __init__(self, store: ProblemStore, draining: Draining) -> None:
        self._store = store
        self._draining = draining
        self._of: dict[str, Subscription] = {}

    def of(self, tenant: str) -> Subscription:
        if tenant not in self._of:
            changed = Notifier()

            async def read(after: int, limit: int) -> list[tuple[int, LogEntry]]:
                return await self._store.log(tenant, after, limit)

            self._of[tenant] = Subscription(changed, Tail(read, changed, self._draining))
        return self._of[tenant]

    def wake(self, tenant: str) -> None:
        """Empty: all."""
        for name, subscription in self._of.items():
            if tenant in ("", name):
                subscription.changed.notify()
