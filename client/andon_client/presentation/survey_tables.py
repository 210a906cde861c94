"""Surveys and their reports as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from andon.ingest.v1 import survey_pb2 as pb

from andon_client.presentation.formats import localised, number, when
from andon_client.presentation.phrases import named, say
from andon_client.presentation.tables import Table, table_columns, table_row


def small_table(title: str, locale: str, names: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    return Table(say(title, locale), table_columns(locale, *names), [table_row(*row) for row in rows])


def surveys_table(surveys: Sequence[pb.Survey], locale: str) -> Table:
    rows = [
        (
            one.name,
            localised(one.title, locale) or "-",
            str(len(one.items)),
            localised(one.frame, locale) or "-",
            f"{one.frame_size:,}" if one.frame_size else "-",
            one.source,
            when(one.create_time) if one.HasField("create_time") else "-",
        )
        for one in surveys
    ]
    return small_table(
        "surveys", locale, ("=name", "title", ">items", "frame", ">frame_size", "=source", "created"), rows
    )


def survey_templates_table(surveys: Mapping[str, pb.Survey], locale: str) -> Table:
    rows = [(name, localised(one.title, locale), str(len(one.items))) for name, one in surveys.items()]
    return small_table("survey_templates", locale, ("=name", "title", ">items"), rows)


def items_table(survey: pb.Survey, report: pb.SurveyReport | None, locale: str) -> Table:
    """With what was answered, where there is a report."""
    found = {one.item: one for one in report.items} if report else {}
    names = ["=item", "question", "answer", "dimension"]
    if report:
        names += [">answered", ">missing", "index", ">value", "interval"]
    rows = [
        [
            item.name,
            localised(item.text, locale) or "-",
            _allowed(item, locale),
            item.dimension or "-",
            *(_results(item, found[item.name], locale) if item.name in found else ()),
        ]
        for item in survey.items
    ]
    return small_table("survey_items", locale, names, rows)


def _allowed(item: pb.SurveyItem, locale: str) -> str:
    match item.WhichOneof("answer"):
        case "scale":
            return f"{item.scale.low}–{item.scale.high}"
        case "choice":
            return " / ".join(item.choice.values)
        case _:
            return say("free_text", locale)


def _results(item: pb.SurveyItem, report: pb.ItemReport, locale: str) -> list[str]:
    is_scale = item.HasField("scale")
    index = item.scale.index or pb.ANSWER_INDEX_MEAN
    return [
        str(report.answered),
        str(report.missing),
        named(pb.AnswerIndex, index, locale) if is_scale else "-",
        *(figures(report, "index", locale) if is_scale else ("-", "-")),
    ]


def figures(message: Any, name: str, locale: str, factor: float = 1.0) -> tuple[str, str]:
    """The value and its interval."""
    if not message.HasField(name):
        return say("not_enough", locale), "-"
    one = getattr(message, name)
    return number(factor * one.value), f"{number(factor * one.low)} – {number(factor * one.high)}"


def invitations_table(invitations: Sequence[pb.Invitation], locale: str) -> Table:
    rows = [
        (one.id, one.segment or "-", named(pb.InvitationState, one.state, locale), when(one.invite_time))
        for one in invitations
    ]
    return small_table("invitations", locale, ("=id", "segment", "state", "created"), rows)


def invitation_counts_table(report: pb.SurveyReport, locale: str) -> Table:
    """A row for each segment, and one for all."""
    rows = [
        (
            say("all_segments", locale) if one is report.invitations else one.segment or "-",
            *(f"{count:,}" for count in (one.invited, one.answered, one.open, one.refused, one.undeliverable)),
            *figures(one, "response_rate", locale, 100.0),
        )
        for one in (*report.segments, report.invitations)
        if one.invited
    ]
    names = ("segment", ">invited", ">answered", ">open", ">declined", ">undeliverable", ">rate", "interval")
    return small_table("invitations", locale, names, rows)


def dimensions_table(report: pb.SurveyReport, locale: str) -> Table:
    rows = [
        (
            one.dimension,
            str(one.complete),
            *figures(one, "mean", locale),
            *(figures(one, "alpha", locale) if one.HasField("alpha") else ("-", "-")),
            *(figures(one, "gap", locale) if one.HasField("gap") else ("-", "-")),
        )
        for one in report.dimensions
    ]
    names = ("dimension", ">complete_answers", ">mean", "interval", ">alpha", "interval", ">gap", "interval")
    return small_table("dimensions", locale, names, rows)


def answers_table(report: pb.SurveyReport, locale: str) -> Table:
    rows = [(item.item, one.answer, f"{one.count:,}") for item in report.items for one in item.answers]
    return small_table("answers", locale, ("=item", "answer", ">count"), rows)
