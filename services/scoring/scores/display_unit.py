"""The unit that people read an indicator in, and quantities as they are written in it, in both languages."""

from __future__ import annotations

from dataclasses import dataclass

from services.scoring.system.case_model import Text
from services.scoring.system.model import Aggregate, Indicator, SystemSpec

DURATIONS_ZH = {"s": "秒", "min": "分钟", "h": "小时", "d": "天"}
PERCENT = "%"


@dataclass(frozen=True)
class DisplayUnit:
    """name: "min", "%", ...; empty for a plain number. scale: from the unit of the series to this one."""

    name: str
    scale: float = 1.0

    def written(self, value: float) -> Text:
        """A value in the unit of the series: "251.4 min", "29.42 %", "1,760"."""
        number = plain(value * self.scale)
        if not self.name:
            return Text(number, number)
        return Text(f"{number} {self.name}", f"{number} {DURATIONS_ZH.get(self.name, self.name)}")


def display_unit(spec: SystemSpec, indicator: Indicator) -> DisplayUnit:
    """A share is read in per cent, a duration without a unit in seconds, the rest in what the document says."""
    if indicator.aggregate is Aggregate.SHARE:
        return DisplayUnit(PERCENT, 100.0)
    is_duration = spec.measure_by_name[indicator.measure].is_duration
    return DisplayUnit(indicator.unit or ("s" if is_duration else ""))


def plain(value: float) -> str:
    """Six significant digits, whole numbers in full: what is shown adds up to what is shown of the sum.

    >>> plain(1760.0), plain(251.428571), plain(-0.05), plain(12345678.25), plain(0.0)
    ('1,760', '251.429', '-0.05', '12,345,678', '0')
    """
    if value == round(value) or abs(value) >= 1e6:
        return f"{round(value):,}"
    return f"{value:,.6g}"
