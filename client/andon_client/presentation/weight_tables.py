"""Weights, changes of composites and rankings as tables."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo

from andon.scoring.v1 import weight_pb2 as pb

from andon_client.presentation.formats import localised, number, optional, span, when
from andon_client.presentation.phrases import say
from andon_client.presentation.tables import Table, TableCell, table_columns, table_row


def proposal_table(found: pb.ProposeWeightsResponse, locale: str) -> Table:
    rows = [
        table_row(
            one.member,
            localised(one.title, locale),
            _share(one.weight_now),
            _share(optional(one, "weight_experts")),
            _share(optional(one, "weight_data")),
            _share(one.weight_proposed),
            _share(one.weight_step),
        )
        for one in found.members
    ]
    names = ("name", "title", ">weight_now", ">weight_experts", ">weight_data", ">weight_proposed", ">weight_step")
    return Table(say("weights", locale), table_columns(locale, *names), rows)


def consistency_table(found: Sequence[pb.Consistency], locale: str) -> Table:
    rows = []
    for one in found:
        again = one.ask_again
        ask = f"{again.member} / {again.other} ≈ {number(again.ratio)}" if one.HasField("ask_again") else "-"
        state = say("consistent" if one.is_consistent else "inconsistent", locale)
        rows.append(
            [
                TableCell(one.expert or say("all_experts", locale)),
                TableCell(number(one.ratio)),
                TableCell(state, "good" if one.is_consistent else "bad"),
                TableCell(ask),
            ]
        )
    names = ("expert", ">consistency_ratio", "result", "ask_again")
    return Table(say("consistencies", locale), table_columns(locale, *names), rows)


def steps_table(change: pb.WeightChange, locale: str) -> Table:
    rows = [table_row(one.member, _share(one.before), _share(one.wanted), _share(one.after)) for one in change.steps]
    title = say("weight_steps", locale, composite=change.composite, share=round(100 * change.step_share))
    return Table(title, table_columns(locale, "name", ">weight_now", ">weight_proposed", ">weight_step"), rows)


def weight_log_table(changes: Sequence[pb.WeightChange], locale: str) -> Table:
    rows = [
        table_row(
            when(one.change_time),
            str(one.version),
            one.composite,
            ", ".join(f"{step.member} {_share(step.before)} → {_share(step.after)}" for step in one.steps),
            one.reason,
            one.author,
        )
        for one in changes
    ]
    names = ("time", ">version", "composite", "weight_change", "reason", "author")
    return Table(say("weight_log", locale), table_columns(locale, *names), rows)


def change_table(found: pb.ExplainChangeResponse, locale: str, zone: tzinfo) -> Table:
    rows = [
        table_row(
            one.indicator,
            localised(one.title, locale),
            number(optional(one, "points_before")),
            number(optional(one, "points_after")),
            _share(optional(one, "weight_before")),
            _share(optional(one, "weight_after")),
            *(f"{part:+.2f}" for part in (one.data, one.weight, one.structure, one.missing)),
        )
        for one in found.indicators
    ]
    parts = (found.data, found.weight, found.structure, found.missing)
    whole = (number(found.points_before), number(found.points_after), "", "")
    rows.append(table_row(say("whole", locale), "", *whole, *(f"{part:+.2f}" for part in parts)))
    names = (
        "indicator",
        "title",
        ">points_before",
        ">points_after",
        ">weight_before",
        ">weight_after",
        ">part_data",
        ">part_weight",
        ">part_structure",
        ">part_missing",
    )
    title = say(
        "composite_change",
        locale,
        before=span(found.interval_before, locale, zone),
        after=span(found.interval_after, locale, zone),
    )
    return Table(title, table_columns(locale, *names), rows)


def ranking_table(found: pb.GetRankingResponse, locale: str, zone: tzinfo) -> Table:
    rows = [
        table_row(
            str(one.rank),
            ", ".join(one.slice[name] for name in sorted(one.slice)),
            number(one.points),
            _share(one.same_rank_share),
        )
        for one in found.slices
    ]
    title = say("ranking", locale, window=span(found.interval, locale, zone), radius=round(100 * found.radius))
    return Table(title, table_columns(locale, ">rank", "unit", ">points", ">same_rank"), rows)


def _share(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"
