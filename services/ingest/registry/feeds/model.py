"""What a KPI feed declares: its series, and what its rows say."""

from dataclasses import dataclass
from enum import IntEnum

from services.ingest.model import FeedFigures, FeedPeriod, FeedRule, SourceId


class FeedDirection(IntEnum):
    """Which way is better."""

    LOWER = 1
    HIGHER = 2
    TARGET = 3


@dataclass(frozen=True)
class FeedSeries:
    """`target`: the best value, of TARGET. resolution: of a value or a numerator."""

    name: str
    figures: FeedFigures
    direction: FeedDirection
    title_en: str = ""
    title_zh: str = ""
    unit: str = ""
    target: float | None = None
    resolution: float = 0.001
    denominator_resolution: float = 1.0


@dataclass(frozen=True)
class Feed:
    """`id` is that of its source, too."""

    id: SourceId
    period: FeedPeriod
    series: tuple[FeedSeries, ...]
    time_zone: str = "UTC"
    dimensions: tuple[str, ...] = ()
    title_en: str = ""
    title_zh: str = ""
    created_at_us: int = 0

    @property
    def rule(self) -> FeedRule:
        """What admission asks of its rows."""
        return FeedRule(
            self.period,
            self.time_zone,
            self.dimensions,
            tuple((one.name, one.figures, one.denominator_resolution) for one in self.series),
        )
