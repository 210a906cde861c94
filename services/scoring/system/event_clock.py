"""The watermark of an indicator system: how far the sources that feed it have come.

A window is complete once the watermark has passed its end plus the lateness, less what an event describes after its
time. The watermark is

    min(now, max(slowest, min(newest, now - idle)))

with the latest event time of each source, the slowest and the newest of these, the clock of the server that holds the
log (`now`), and how long that clock waits for a source that lags (`idle`). So

- no window is complete before its end has come by the server's clock, however far a source runs ahead;
- a source that lags holds the windows that it has not come to, so that what it still delivers is not late;
- one that is silent holds each window for `idle` at most, and then those that are not silent complete it;
- nothing is complete that no source has come to: where all of them end, the log ends.

What is invariant. It depends on the set of events and on the clock alone, and neither of them ever moves it back: the
order, batches and restarts make no difference. That takes a set of sources that is known from the start, which is what
`sources` of the document says. Where it names none, a source feeds the system from its first event on; what is
complete by then stays complete.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

# Sources that a service writes about itself, such as the quality of data; they feed the systems that name them.
OWN_PREFIX = "andon."
# Its events say of cases that they are to be read again, whatever sources a system names.
RESTATING = "andon.entity"


class EventClock:
    """Times in microseconds since 1970 UTC.

    sources: those that the system names; empty: every source that the log has, but those that a service itself writes.
    idle_us: see the module.

    >>> clock = EventClock(("desk", "shop"), idle_us=60)
    >>> clock.after({"desk": 900}, now_us=905)
    845
    >>> clock.after({"shop": 880}, now_us=906)
    880
    >>> clock.after({}, now_us=960)
    900
    """

    def __init__(self, sources: Collection[str], idle_us: int) -> None:
        self._named = frozenset(sources)
        self._idle_us = idle_us
        self._latest_us: dict[str, int] = {}

    def after(self, moved_us: Mapping[str, int], now_us: int) -> int | None:
        """The watermark once these sources have come this far. None: none of the system's has said anything yet."""
        for source, us in moved_us.items():
            if source in self._named or not (self._named or source.startswith(OWN_PREFIX)):
                self._latest_us[source] = max(us, self._latest_us.get(source, us))
        if not self._latest_us:
            return None
        heard = self._latest_us.values()
        watermark_us = min(max(heard), now_us - self._idle_us)
        if self._named <= self._latest_us.keys():
            watermark_us = max(watermark_us, min(heard))
        return min(watermark_us, now_us)
