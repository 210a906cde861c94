"""A system that is scored step by step; what has left memory is given back where a step needs it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from services.scoring.replica.reopen import checkpoint_of
from services.scoring.scores.book import Decision, open_book
from services.scoring.scores.book_codec import BookChange, decode_change
from services.scoring.scores.decision import decide
from services.scoring.scores.recall import Recalled, needs_of
from services.scoring.scores.results import Score, Signal, score_digest, signal_digest
from services.scoring.scores.statistics import EMPTY, PartChange, PartStats, Place, accumulate, added
from services.scoring.scores.version_switch import Piece, decide_composites, decide_piece
from services.scoring.system.model import IndicatorSystem
from services.scoring.system.series import SeriesKey
from services.scoring.system.windows import LATEST_US


def negative(stats: PartStats) -> PartStats:
    spread = stats.histogram and (stats.histogram[0], -stats.histogram[1])
    return PartStats(-stats.count, -stats.total, -stats.squares, spread, -stats.unobserved)


class ScoredSystem:
    """What its steps are given are the statistics of windows as they are from then on, by partition.

    stored: statistics of windows that have left memory. before: the scores of the version before.
    """

    def __init__(
        self,
        system: IndicatorSystem,
        switched: bool = True,
        before: Mapping[tuple[SeriesKey, int], Score] | None = None,
    ) -> None:
        self.book = open_book(system, switched)
        self.parts: dict[tuple[int, Place], PartStats] = {}
        self.stored: dict[Place, PartStats] = {}
        self.scores: dict[tuple[SeriesKey, int], Score] = dict(before or {})
        self.signals: dict[str, Signal] = {}
        self.recalls = 0
        for score in self.scores.values():
            self.book.place_score(score)

    def differences(self, parts: Mapping[int, Sequence[PartChange]]) -> dict[Place, PartStats]:
        sums: dict[Place, PartStats] = {}
        for partition, changes in parts.items():
            for change in changes:
                known = (partition, (change.series, change.window))
                difference = added(change.stats, negative(self.parts.get(known, EMPTY)))
                self.parts[known] = change.stats
                accumulate(sums, [PartChange(change.series, change.window, difference)])
        return sums

    def switch(self, watermark_us: int | None) -> list[Score]:
        """In one piece. The scores that it publishes."""
        everything = Recalled(statistics=self.stored | self.book.statistics)
        for score in self.scores.values():
            everything.place_score(score)
        for signal in self.signals.values():
            everything.place_signal(signal)
        piece = decide_piece(self.book, Piece(everything), watermark_us)
        composites = decide_composites(self.book, piece.scores, everything, watermark_us)
        scores = [*piece.scores, *composites.scores]
        self.book.take(BookChange(charts=piece.charts), scores, piece.signals)
        self.book.switched = True
        self.scores |= {(score.series, score.window.start_us): score for score in scores}
        self.signals |= {signal.name: signal for signal in piece.signals}
        return scores

    def step(self, parts: Mapping[int, Sequence[PartChange]], watermark_us: int | None, **rest: Any) -> Decision:
        differences = self.differences(parts)
        needs = needs_of(self.book, differences, watermark_us)
        self.recalls += bool(needs)
        recalled = Recalled(complete_since=needs.charts)
        for place in needs.statistics & self.stored.keys():
            recalled.statistics[place] = self.stored[place]
        for at, score in self.scores.items():
            if at in needs.scores or at[1] >= needs.charts.get(score.series, LATEST_US):
                recalled.place_score(score)
        for signal in self.signals.values():
            at = (signal.series, signal.window.start_us)
            if at in needs.scores or at[1] >= needs.charts.get(signal.series, LATEST_US):
                recalled.place_signal(signal)
        decision = decide(self.book, differences, watermark_us, recalled=recalled, **rest)
        self.book.apply(decision)
        self.scores |= {(score.series, score.window.start_us): score for score in decision.scores}
        self.signals |= {signal.name: signal for signal in decision.signals}
        self.stored |= {place: stats for place, stats in decision.left.items() if stats.changes_anything}
        for place in [place for place, stats in decision.left.items() if not stats.changes_anything]:
            self.stored.pop(place, None)
        return decision

    def restart(self) -> None:
        """The book is opened again, from a checkpoint and what is stored."""
        old, self.book = self.book, open_book(self.book.system, self.book.switched)
        self.book.take(decode_change(checkpoint_of(old)))
        for score in self.scores.values():
            self.book.place_score(score)
        for signal in self.signals.values():
            self.book.place_signal(signal)

    def content_hash(self) -> str:
        """As the store has it: the sum of the digests modulo 2^256."""
        digests = [score_digest(score) for score in self.scores.values() if score.present]
        digests += [signal_digest(signal) for signal in self.signals.values() if signal.active]
        return (sum(map(int.from_bytes, digests)) % 2**256).to_bytes(32).hex()
