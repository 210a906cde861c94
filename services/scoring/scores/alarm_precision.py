"""How precise alarms are by what reviewers say of them, and whether monitors alarm as often as requested."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from andon_quality.capability import defects
from andon_quality.inference import wilson

from services.scoring.system.case_model import Text

TRUE, FALSE, KNOWN = 1, 2, 3


@dataclass(frozen=True)
class JudgedSignal:
    """verdicts: one for each reviewer, as the contract numbers them."""

    rule: str
    indicator: str
    verdicts: tuple[int, ...] = ()

    @property
    def balance(self) -> int:
        """Above 0: most reviewers call it true; below: false. 0: disputed, or not judged."""
        return sum(-1 if one == FALSE else 1 for one in self.verdicts)


@dataclass(frozen=True)
class Precision:
    """interval None: nothing was judged."""

    name: str
    signals: int
    true: int
    false: int
    disputed: int
    interval: tuple[float, float] | None

    @property
    def value(self) -> float | None:
        judged = self.true + self.false
        return self.true / judged if judged else None


class MonitorState(Enum):
    UNKNOWN = 0
    AS_REQUESTED = 1
    TOO_MANY = 2
    TOO_FEW = 3


@dataclass(frozen=True)
class Realised:
    """Alarms that nobody called true, with an exact Poisson interval, against what is expected."""

    expected: float
    unexplained: int
    lower: float
    upper: float
    state: MonitorState
    explanation: Text


def judged_signals(signals: Iterable[tuple[str, str, str]], verdicts: Iterable[tuple[str, int]]) -> list[JudgedSignal]:
    """signals: name, rule, indicator. verdicts: name of the signal, verdict."""
    said: dict[str, list[int]] = defaultdict(list)
    for name, verdict in verdicts:
        said[name].append(verdict)
    return [JudgedSignal(rule, indicator, tuple(said[name])) for name, rule, indicator in signals]


def precision_of(name: str, signals: Sequence[JudgedSignal], confidence: float) -> Precision:
    counts = Counter((one.balance > 0) - (one.balance < 0) for one in signals if one.verdicts)
    judged, interval = counts[1] + counts[-1], None
    if judged:
        low, high = wilson(counts[1], judged, confidence)
        interval = float(low), float(high)
    return Precision(name, len(signals), counts[1], counts[-1], counts[0], interval)


def precisions(
    signals: Sequence[JudgedSignal], by: Callable[[JudgedSignal], str], confidence: float
) -> list[Precision]:
    """Of each group, in order of its name."""
    groups: dict[str, list[JudgedSignal]] = defaultdict(list)
    for one in signals:
        groups[by(one)].append(one)
    return [precision_of(name, groups[name], confidence) for name in sorted(groups)]


def realised(windows: int, requested_arl0: float, alarms: int, true_alarms: int, confidence: float) -> Realised:
    """Whether the alarms that nobody called true are as many as an ARL lets so many windows have."""
    expected, unexplained = windows / requested_arl0, alarms - true_alarms
    if not windows:
        words = Text("No window was judged.", "尚无已判窗口。")
        return Realised(0.0, unexplained, 0.0, 0.0, MonitorState.UNKNOWN, words)
    # Garwood's interval of a count.
    found = defects(unexplained, 1.0, confidence=confidence).dpu
    lower, upper = float(found.lower), float(found.upper)
    state = MonitorState.AS_REQUESTED
    if expected < lower:
        state = MonitorState.TOO_MANY
    elif expected > upper:
        state = MonitorState.TOO_FEW
    words = Text(
        f"{unexplained} alarms in {windows:,} windows that nobody called true; {expected:.2g} are expected by chance.",
        f"{windows:,} 个窗口中有 {unexplained} 次报警未被判为真；按随机预计 {expected:.2g} 次。",
    )
    return Realised(expected, unexplained, lower, upper, state, words)
