"""What a source of sensors declares: its quantities, and the period that readings are summed up over."""

from dataclasses import dataclass

from services.ingest.model import SECOND_US, SourceId

PERIOD_US = 60 * SECOND_US


@dataclass(frozen=True)
class SensorQuantity:
    name: str
    title_en: str = ""
    title_zh: str = ""
    unit: str = ""
    resolution: float = 0.01
    low: float | None = None
    high: float | None = None
    limit: float | None = None
    rate_hz: float = 0.0


@dataclass(frozen=True)
class SensorSource:
    """`id` is that of its source, too."""

    id: SourceId
    quantities: tuple[SensorQuantity, ...]
    period_us: int = PERIOD_US
    title_en: str = ""
    title_zh: str = ""
    created_at_us: int = 0
