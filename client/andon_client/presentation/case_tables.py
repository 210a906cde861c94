"""Open cases and the time that is left to them, as a table and as lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import tzinfo

from andon.scoring.v1 import process_pb2 as pb

from andon_client.presentation.formats import language_of, when
from andon_client.presentation.phrases import named, say
from andon_client.presentation.tables import Table, TableCell, Tone, table_columns

STATE_TONES: Mapping[int, Tone] = {
    pb.OpenCase.STATE_LATE: "bad",
    pb.OpenCase.STATE_AT_RISK: "fair",
    pb.OpenCase.STATE_ON_TIME: "good",
}
PARTS = ((86_400, "d", "天"), (3_600, "h", "小时"), (60, "min", "分钟"), (1, "s", "秒"))


def time_left(seconds: float, locale: str) -> str:
    """The two largest parts, rounded down: "3 d 4 h", "-1 h 20 min", "0 s".

    >>> time_left(-4_815.0, "en")
    '-1 h 20 min'
    """
    rest = int(abs(seconds))
    shown: list[str] = []
    for size, english, chinese in PARTS:
        many, rest = divmod(rest, size)
        if many or shown:
            shown.append(f"{many} {chinese if language_of(locale) == 'zh' else english}" if many else "")
    text = " ".join(part for part in shown[:2] if part)
    unit = PARTS[-1][2 if language_of(locale) == "zh" else 1]
    return f"-{text}" if text and seconds < 0 else text or f"0 {unit}"


def open_cases_table(found: Sequence[pb.OpenCase], locale: str, first: pb.ListOpenCasesResponse, zone: tzinfo) -> Table:
    """first: the first page, which says how many there are."""
    rows = [
        [
            TableCell(one.case_id),
            TableCell(one.indicator),
            TableCell(named(pb.OpenCase.State, one.state, locale), STATE_TONES.get(one.state, "")),
            TableCell(
                time_left(one.time_left.ToMicroseconds() / 1e6, locale) if one.HasField("time_left") else "-",
                STATE_TONES.get(one.state, ""),
            ),
            TableCell(when(one.due_time, zone) if one.HasField("due_time") else "-"),
            TableCell(when(one.open_time, zone) if one.HasField("open_time") else "-"),
            TableCell(slice_text(one)),
        ]
        for one in found
    ]
    title = say(
        "open_cases",
        locale,
        late=f"{first.late_count:,}",
        at_risk=f"{first.at_risk_count:,}",
        on_time=f"{first.on_time_count:,}",
        as_of=when(first.as_of, zone) if first.HasField("as_of") else "-",
        zone=zone,
    )
    names = ("=case", "indicator", "clock", ">time_left", "due", "opened", "slice")
    return Table(title, table_columns(locale, *names), rows)


def change_line(change: pb.OpenCaseChange, locale: str, zone: tzinfo) -> str:
    one = change.case
    return say(
        "open_case_change",
        locale,
        kind=named(pb.OpenCaseChange.Kind, change.kind, locale),
        case=one.case_id,
        indicator=one.indicator,
        state=named(pb.OpenCase.State, one.state, locale),
        due=when(one.due_time, zone) if one.HasField("due_time") else "-",
        slice=slice_text(one),
    )


def slice_text(one: pb.OpenCase) -> str:
    return ", ".join(f"{name}={value}" for name, value in sorted(one.slice.items())) or "-"
