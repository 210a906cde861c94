"""The latest event time of each source, folded from commits for one reader of the log."""

from collections.abc import Iterable, Mapping

from services.ingest.log.records import Commit


class SourceWatermarks:
    """Starts with the watermarks of every source at a reader's cursor, in microseconds.

    >>> marks = SourceWatermarks({"desk": 5})
    >>> marks.pass_over([Commit(1, 0, 0, source_times={"desk": 3, "shop": 4})])
    >>> marks.take_moved()
    {'desk': 5, 'shop': 4}
    >>> marks.pass_over([Commit(2, 0, 0, source_times={"desk": 9, "shop": 1})])
    >>> marks.take_moved(), marks.latest_us
    ({'desk': 9}, 9)
    """

    def __init__(self, at_cursor: Mapping[str, int]) -> None:
        self._latest_us = dict(at_cursor)
        # At first everything is news.
        self._moved = dict.fromkeys(at_cursor)

    @property
    def latest_us(self) -> int | None:
        """Over all sources; None: there was no event."""
        return max(self._latest_us.values(), default=None)

    def pass_over(self, commits: Iterable[Commit]) -> None:
        for commit in commits:
            for source, us in commit.source_times.items():
                if us > self._latest_us.get(source, us - 1):
                    self._latest_us[source] = us
                    self._moved[source] = None

    def take_moved(self) -> dict[str, int]:
        """The sources that moved since this was last asked, by name."""
        moved = {source: self._latest_us[source] for source in sorted(self._moved)}
        self._moved.clear()
        return moved
