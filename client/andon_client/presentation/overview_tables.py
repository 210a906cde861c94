"""Overviews with small charts, and annotations, as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import tzinfo

from andon.scoring.v1 import overview_pb2 as pb

from andon_client.presentation.formats import localised, optional, when
from andon_client.presentation.notation import Notation
from andon_client.presentation.phrases import named, say
from andon_client.presentation.tables import Table, TableCell, Tone, table_columns, table_row

BARS = "▁▂▃▄▅▆▇█"
SPARKLINE_POINTS = 30
VARIATION_TONES: Mapping[int, Tone] = {
    pb.SeriesOverview.VARIATION_IMPROVING: "good",
    pb.SeriesOverview.VARIATION_WORSENING: "bad",
    pb.SeriesOverview.VARIATION_SHIFTED: "fair",
    pb.SeriesOverview.VARIATION_UNSPECIFIED: "quiet",
}
ASSURANCE_TONES: Mapping[int, Tone] = {
    pb.SeriesOverview.ASSURANCE_CONSISTENTLY_MET: "good",
    pb.SeriesOverview.ASSURANCE_CONSISTENTLY_MISSED: "bad",
    pb.SeriesOverview.ASSURANCE_HIT_OR_MISS: "fair",
    pb.SeriesOverview.ASSURANCE_UNSPECIFIED: "quiet",
}


def sparkline(values: Sequence[float | None]) -> str:
    """A bar of eight heights for each value, lowest to highest; a space where there is none.

    >>> sparkline([1.0, None, 3.0, 2.0])
    '▁ █▅'
    """
    known = [one for one in values if one is not None]
    low, reach = min(known, default=0.0), max(known, default=0.0) - min(known, default=0.0)
    places = [None if one is None else (one - low) / reach if reach else 0.5 for one in values]
    return "".join(" " if one is None else BARS[round(one * (len(BARS) - 1))] for one in places)


def overview_table(
    found: Sequence[pb.SeriesOverview], locale: str, notation: Notation, problems: Mapping[str, str]
) -> Table:
    """problems: name of a signal -> name of the live problem that it belongs to."""
    rows = []
    for one in found:
        key, signal = one.series.key, say("yes", locale) if one.signal_count else "-"
        problem = problems.get(one.signal.name, "") if one.HasField("signal") else ""
        target = one.target.value if one.HasField("target") else None
        rows.append(
            [
                TableCell(key),
                TableCell(notation.value(key, optional(one.latest, "value"), locale)),
                TableCell(notation.value(key, optional(one.previous, "value"), locale)),
                TableCell(notation.value(key, target, locale)),
                TableCell(
                    named(pb.SeriesOverview.Variation, one.variation, locale) if one.variation else "-",
                    VARIATION_TONES.get(one.variation, ""),
                ),
                TableCell(
                    named(pb.SeriesOverview.Assurance, one.assurance, locale) if one.assurance else "-",
                    ASSURANCE_TONES.get(one.assurance, ""),
                ),
                TableCell(problem or signal),
                TableCell(sparkline([optional(point, "value") for point in one.points[-SPARKLINE_POINTS:]])),
            ]
        )
    names = ("series", ">latest", ">previous", ">goal", "variation", "assurance", "signal", "=course")
    return Table(say("overview", locale), table_columns(locale, *names), rows)


def annotations_table(notes: Sequence[pb.Annotation], locale: str, zone: tzinfo) -> Table:
    rows = [
        table_row(
            one.name,
            one.scope,
            when(one.interval.start, zone),
            when(one.interval.end, zone) if one.interval.HasField("end") else "-",
            named(pb.Annotation.Kind, one.kind, locale),
            localised(one.text, locale),
            one.author,
        )
        for one in notes
    ]
    names = ("=name", "scope", "begin", "end", "kind", "text", "author")
    return Table(say("annotations", locale), table_columns(locale, *names), rows)
