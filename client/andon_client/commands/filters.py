"""The filter options that commands share, and the request fields they set."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, tzinfo
from typing import Annotated, Any

import typer
from andon.common.v1.interval_pb2 import Interval
from andon.scoring.v1 import indicator_system_pb2, scoring_pb2

from andon_client.document_check import enum_name, short_names
from andon_client.listing import read_filtered_notation
from andon_client.moments import MalformedTime, entered_time, timestamp
from andon_client.presentation.phrases import say
from andon_client.suite import Suite


def time_of(text: str) -> date:
    """What an option that takes a time was given."""
    try:
        return entered_time(text)
    except MalformedTime as error:
        raise typer.BadParameter(str(error)) from error


def time_option(*names: str, help: str) -> Any:
    """An option that takes a day or a time, with its offset or without one."""
    return typer.Option(*names, help=help, parser=time_of, metavar="TIME")


Indicator = Annotated[list[str] | None, typer.Option("--indicator", "-i", help="Only this indicator; may be repeated.")]
Process = Annotated[str, typer.Option("--process", "-p", help="Only this process.")]
System = Annotated[str, typer.Option("--system", help="Only indicator systems with this id, for example main.")]
Width = Annotated[
    str, typer.Option("--window", "-w", help="Window width: hour, day, week, month or all. Default: every width.")
]
Overall = Annotated[bool, typer.Option("--overall", help="Only unsliced series.")]
Since = Annotated[
    date | None,
    time_option("--since", help="Windows that start at or after this time, in the zone of their system."),
]
Until = Annotated[
    date | None,
    time_option("--until", help="Windows that start before this time, in the zone of their system."),
]
Limit = Annotated[int, typer.Option("--limit", "-n", min=1, help="Maximum number of items.")]
Series = Annotated[str, typer.Argument(help="Key of the series, as listed by `andon scores`.")]
Confidence = Annotated[float, typer.Option("--confidence", min=0.5, max=0.9999, help="Confidence of the intervals.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object per line.")]


def series_filter(
    locale: str,
    indicators: Sequence[str] | None = None,
    window: str = "",
    series: str = "",
    overall: bool = False,
    process: str = "",
    system: str = "",
) -> scoring_pb2.SeriesFilter:
    widths = [window_of(window, locale)] if window else []
    keys = [series] if series else []
    return scoring_pb2.SeriesFilter(
        process=process,
        system=system,
        indicators=indicators or [],
        windows=widths,
        series=keys,
        unsliced_only=overall,
    )


def window_of(name: str, locale: str = "en") -> indicator_system_pb2.Window.ValueType:
    try:
        return indicator_system_pb2.Window.Value(f"WINDOW_{name.upper()}")
    except ValueError as error:
        raise typer.BadParameter(say("unknown_window", locale, name=name), param_hint="--window") from error


def slice_pair(text: str, locale: str) -> tuple[str, str]:
    """DIMENSION=VALUE, as --slice takes it."""
    dimension, equals, value = text.partition("=")
    if not (dimension and equals):
        raise typer.BadParameter(say("bad_slice", locale, text=text), param_hint="--slice")
    return dimension, value


def chosen(enum: Any, name: str, option: str, is_required: bool = False) -> Any:
    """The member of an enum that an option names, as documents do: "mean-range" of SPREAD_MEAN_RANGE.

    Empty: 0, unless it is required.
    """
    if not name and not is_required:
        return 0
    member = enum_name(name, enum.DESCRIPTOR)
    if member is None:
        known = ", ".join(short_names(enum.DESCRIPTOR))
        raise typer.BadParameter(f"{name} is not one of {known}", param_hint=option)
    return enum.Value(member)


def interval_of(since: date | None, until: date | None, zone: tzinfo) -> Interval:
    """zone: of times that were entered without one."""
    start, end = (None if time is None else timestamp(time, zone) for time in (since, until))
    return Interval(start=start, end=end)


async def list_interval(
    suite: Suite, wanted: scoring_pb2.SeriesFilter, since: date | None, until: date | None
) -> Interval:
    """Of a list of many series, in the zone of their systems; UTC where systems have different ones."""
    if since is None and until is None:
        return interval_of(None, None, UTC)
    notation = await read_filtered_notation(suite, wanted)
    return interval_of(since, until, notation.only_zone)
