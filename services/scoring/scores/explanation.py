"""Which cases a score came from, and how its value follows from theirs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import assert_never

import pyarrow as pa

from services.scoring.scores.display_unit import DisplayUnit, plain
from services.scoring.scores.results import Score
from services.scoring.system.case_model import Ratio, Text
from services.scoring.system.hierarchy import Tree
from services.scoring.system.model import Aggregate, Indicator
from services.scoring.system.windows import WindowId

TIME = pa.timestamp("us", tz="UTC")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, order=True)
class CaseValue:
    """`value` in multiples of the resolution."""

    case_id: str
    value: int


def cases_of(
    pages: Iterable[pa.Table], indicator: str, window: WindowId, slice_: Mapping[str, str], is_all_time: bool
) -> list[CaseValue]:
    """The cases of a window by case id.

    pages: in the order of their steps; of several rows of a case the last one counts.
    slice_: dimension -> value that a case must have. Cases without a value are left out.
    """
    latest: dict[str, tuple[int | None, int | None, Mapping[str, str | None] | None]] = {}
    for page in pages:
        for case_id, name, anchor, value, labels in _rows(page):
            if name == indicator:
                latest[case_id] = (anchor, value, labels)
    return sorted(
        CaseValue(case_id, value)
        for case_id, (anchor, value, labels) in latest.items()
        if anchor is not None
        and value is not None
        and (is_all_time or window.start_us <= anchor < window.end_us)
        and all(labels is not None and labels.get(name) == wanted for name, wanted in slice_.items())
    )


Row = tuple[str, str, int | None, int | None, Mapping[str, str | None] | None]


def _rows(page: pa.Table) -> Iterable[Row]:
    def column(name: str) -> list[object]:
        return page.column(name).to_pylist()  # type: ignore[no-any-return]

    anchors = page.column("anchor").cast(TIME).cast(pa.int64()).to_pylist()
    labels = column("slice") if "slice" in page.column_names else [None] * page.num_rows
    return zip(column("case_id"), column("indicator"), anchors, column("value"), labels, strict=True)  # type: ignore[arg-type]


def working(indicator: Indicator, score: Score, unit: DisplayUnit, ratio: Ratio | None = None) -> Text:
    """How the value is computed, in words and in the indicator's unit; how many cases of the window have no value."""
    if ratio is not None and score.count:
        return _ratio(ratio, score, unit)
    words = _computed(indicator, score, unit) if score.count else _of_nothing(score, unit)
    if not score.unobserved:
        return words
    whole = score.count + score.unobserved
    return Text(
        f"{words.en} n = {score.count:,} of {whole:,}: {score.unobserved:,} cases of the window have no value.",
        f"{words.zh}n = {score.count:,}（共 {whole:,}）：该窗口有 {score.unobserved:,} 个案例没有取值。",
    )


def _ratio(ratio: Ratio, score: Score, unit: DisplayUnit) -> Text:
    value = unit.written(score.value or 0.0)
    # Both sums in multiples of the denominator's resolution, so that the quotient is the value.
    total, whole = plain((score.total or 0) * score.resolution), f"{score.count:,}"
    missing = score.unobserved
    words = Text(
        f"Sum of {ratio.of} / sum of {ratio.per}: {total} / {whole} = {value.en}.",
        f"{ratio.of} 之和 / {ratio.per} 之和：{total} / {whole} = {value.zh}。",
    )
    if not missing:
        return words
    return Text(
        f"{words.en} {missing:,} rows of the window lack one of them.", f"{words.zh}该窗口有 {missing:,} 行缺少其一。"
    )


def _of_nothing(score: Score, unit: DisplayUnit) -> Text:
    if score.value is None:
        return Text("No case of the window has a value.", "该窗口没有有取值的案例。")
    zero = unit.written(score.value)
    return Text(
        f"No case in the window: the sum over none is {zero.en}.", f"该窗口没有案例：零个案例之和为 {zero.zh}。"
    )


def _computed(indicator: Indicator, score: Score, unit: DisplayUnit) -> Text:
    count, value = score.count, unit.written(score.value or 0.0)
    match indicator.aggregate:
        case Aggregate.SHARE:
            return Text(
                f"{score.total:,} of {count:,} cases: {score.total:,} / {count:,} = {value.en}.",
                f"{count:,} 个案例中有 {score.total:,} 个：{score.total:,} / {count:,} = {value.zh}。",
            )
        case Aggregate.MEAN | Aggregate.UNSPECIFIED:
            total = unit.written((score.total or 0) * score.resolution)
            return Text(
                f"Mean of {count:,} cases: {total.en} / {count:,} = {value.en}.",
                f"{count:,} 个案例的均值：{total.zh} / {count:,} = {value.zh}。",
            )
        case Aggregate.SUM:
            return Text(f"Sum over {count:,} cases: {value.en}.", f"{count:,} 个案例之和：{value.zh}。")
        case Aggregate.MINIMUM:
            return Text(f"The least of {count:,} cases: {value.en}.", f"{count:,} 个案例的最小值：{value.zh}。")
        case Aggregate.MAXIMUM:
            return Text(f"The greatest of {count:,} cases: {value.en}.", f"{count:,} 个案例的最大值：{value.zh}。")
        case Aggregate.MEDIAN | Aggregate.QUANTILE:
            q = 0.5 if indicator.aggregate is Aggregate.MEDIAN else indicator.quantile
            return Text(
                f"Quantile {q:g} of {count:,} cases is {value.en}: linear between the order statistics around"
                f" ({count:,} - 1) x {q:g}.",
                f"{count:,} 个案例的 {q:g} 分位数为 {value.zh}："
                f"在第 ({count:,} - 1) × {q:g} 位次序统计量之间线性插值。",
            )
        case _:
            assert_never(indicator.aggregate)


def contribution(indicator: Indicator, amount: float, count: int) -> float | None:
    """What one of `count` cases adds to the score. None: a quantile, minimum or maximum is no sum of its cases."""
    match indicator.aggregate:
        case Aggregate.SHARE | Aggregate.MEAN | Aggregate.UNSPECIFIED:
            return amount / count
        case Aggregate.SUM:
            return amount
        case Aggregate.MEDIAN | Aggregate.QUANTILE | Aggregate.MINIMUM | Aggregate.MAXIMUM:
            return None
        case _:
            assert_never(indicator.aggregate)


def with_unlisted(words: Text, missing: int, since_us: int) -> Text:
    """Says how many cases of a window are not shown, because what was observed before `since_us` is no longer kept."""
    day = (EPOCH + timedelta(microseconds=since_us)).date().isoformat()
    return Text(
        f"{words.en} {missing} of the cases are not listed: what was observed before {day} is no longer kept.",
        f"{words.zh}其中 {missing} 个案例未列出：{day} 之前的观测明细已不再保留。",
    )


def with_unmatched(words: Text, cases: int, starts: int, completions: int) -> Text:
    """Says how a case's working time comes about, and what of the listed cases' events has no part in it."""
    return Text(
        f"{words.en} Each case: the sum over its pairs of a start and a completion. Without a partner in the {cases:,}"
        f" cases listed: {starts:,} starts and {completions:,} completions.",
        f"{words.zh}每个案例取其各对“开始—完成”之和。所列 {cases:,} 个案例中未配对：开始 {starts:,} 个，"
        f"完成 {completions:,} 个。",
    )


@dataclass(frozen=True)
class Member:
    """What a composite is rolled up from. points None: too little data; they lie between the bounds."""

    name: str
    title: Text
    share: float
    points: float | None
    points_low: float
    points_high: float

    @property
    def contribution(self) -> float | None:
        return None if self.points is None else self.share * self.points


def members_of(tree: Tree, name: str, scores: Mapping[str, Score]) -> list[Member]:
    shares = {node.name: share for node, share in zip(tree.nodes, tree.weights.weights.tolist(), strict=True)}
    found: list[Member] = []
    for node in tree.nodes:
        if node.parent == name:
            score = scores.get(node.name)
            low = 0.0 if score is None or score.points_low is None else score.points_low
            high = 100.0 if score is None or score.points_high is None else score.points_high
            points = None if score is None else score.points
            found.append(Member(node.name, node.title, shares[node.name], points, low, high))
    return found


def composite_working(members: Sequence[Member], score: Score) -> Text:
    """The weighted mean below a composite, term by term."""
    en, zh = (" + ".join(f"{one.share:.4g} {times} {_points(one)} ({one.name})" for one in members) for times in "x×")
    whole = "" if score.points is None else f" = {plain(score.points)}"
    return Text(f"Weighted mean of points: {en}{whole}.", f"得分的加权平均：{zh}{whole}。")


def _points(member: Member) -> str:
    if member.points is not None:
        return plain(member.points)
    return f"[{plain(member.points_low)}, {plain(member.points_high)}]"


def event_ids_by_case(tables: Sequence[pa.Table], cases: Sequence[str]) -> dict[str, list[str]]:
    """Event ids of each case in time order."""
    found: dict[str, list[tuple[int, str]]] = {case: [] for case in cases}
    for events in tables:
        times = events.column("time").cast(TIME).cast(pa.int64()).to_pylist()
        for case, at, event_id in zip(
            events.column("case_id").to_pylist(), times, events.column("id").to_pylist(), strict=True
        ):
            if case in found:
                found[case].append((at, event_id))
    return {case: [event_id for _, event_id in sorted(rows)] for case, rows in found.items()}
