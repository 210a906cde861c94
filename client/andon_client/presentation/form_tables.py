"""Observation forms, their plans and their reports as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from typing import Any

from andon.ingest.v1 import event_pb2
from andon.ingest.v1 import form_pb2 as pb

from andon_client.presentation.formats import localised, number, when
from andon_client.presentation.phrases import named, say
from andon_client.presentation.survey_tables import figures, small_table
from andon_client.presentation.tables import Table


def forms_table(forms: Sequence[pb.ObservationForm], locale: str) -> Table:
    rows = [
        (
            one.name,
            localised(one.title, locale) or "-",
            named(event_pb2.ObjectKind, one.object_kind, locale),
            str(len(one.items)),
            _plan(one, locale),
            one.source,
            when(one.create_time) if one.HasField("create_time") else "-",
        )
        for one in forms
    ]
    return small_table("forms", locale, ("=name", "title", "object", ">items", "plan", "=source", "created"), rows)


def _plan(form: pb.ObservationForm, locale: str) -> str:
    """For example "3 a day, each shift"."""
    if not form.HasField("plan"):
        return "-"
    period = named(pb.PlanPeriod, form.plan.period or pb.PLAN_PERIOD_DAY, locale)
    stratum = named(pb.PlanStratum, form.plan.stratum or pb.PLAN_STRATUM_PERIOD, locale)
    return say("plan_of_form", locale, count=form.plan.count, period=period, stratum=stratum)


def form_templates_table(forms: Mapping[str, pb.ObservationForm], locale: str) -> Table:
    rows = [(name, localised(one.title, locale), str(len(one.items))) for name, one in forms.items()]
    return small_table("form_templates", locale, ("=name", "title", ">items"), rows)


def rubric_table(form: pb.ObservationForm, locale: str) -> Table:
    """A row for each grade, and one for an item without any."""
    rows = []
    for item in form.items:
        text = localised(item.text, locale) or "-"
        for place, grade in enumerate(item.grades):
            first = (item.name, text) if place == 0 else ("", "")
            meaning = localised(grade.meaning, locale) or "-"
            rows.append((*first, number(grade.value), localised(grade.label, locale) or "-", meaning))
        if not item.grades:
            rows.append((item.name, text, "-", say("free_text", locale), "-"))
    return small_table("rubric", locale, ("=item", "question", ">grade", "label", "meaning"), rows)


def form_items_table(form: pb.ObservationForm, report: pb.FormReport, locale: str) -> Table:
    found = {one.item: one for one in report.items}
    rows = [
        (
            item.name,
            localised(item.text, locale) or "-",
            *_results(item, found[item.name], locale),
        )
        for item in form.items
        if item.name in found
    ]
    names = ("=item", "question", ">graded", ">missing", ">mean", "interval", ">kappa", "interval", "method")
    return small_table("survey_items", locale, (*names, ">shared_things", ">pairs", ">same_share"), rows)


def _results(item: pb.FormItem, report: pb.FormItemReport, locale: str) -> tuple[str, ...]:
    counts = (f"{report.graded:,}", f"{report.missing:,}")
    if not item.grades:
        return (*counts, *("-",) * 8)
    agreement = report.agreement
    mean = ("-", "-") if item.unordered else figures(report, "mean", locale)
    same = f"{100 * agreement.same_share:.0f} %" if agreement.HasField("same_share") else "-"
    kappa = figures(agreement, "kappa", locale) if agreement.things else ("-", "-")
    method = named(pb.AgreementMethod, agreement.method, locale) if agreement.HasField("kappa") else "-"
    return (*counts, *mean, *kappa, method, f"{agreement.things:,}", f"{agreement.pairs:,}", same)


def grades_table(form: pb.ObservationForm, report: pb.FormReport, locale: str) -> Table:
    labels = {(item.name, grade.value): localised(grade.label, locale) for item in form.items for grade in item.grades}
    rows = [
        (item.item, number(one.value), labels.get((item.item, one.value), "") or "-", f"{one.count:,}")
        for item in report.items
        for one in item.grades
    ]
    return small_table("grades", locale, ("=item", ">grade", "label", ">count"), rows)


def raters_table(report: pb.FormReport, locale: str) -> Table:
    rows = [
        (one.rater, f"{one.observations:,}", f"{one.shared_things:,}", *figures(one, "leniency", locale, 100.0))
        for one in report.raters
    ]
    names = ("=rater", ">observations", ">shared_things", ">leniency", "interval")
    return small_table("raters", locale, names, rows)


def objects_table(report: pb.FormReport, locale: str) -> Table:
    rows = [
        (one.object, f"{one.observations:,}", f"{one.raters:,}", *figures(one, "score", locale, 100.0))
        for one in report.objects
    ]
    return small_table("objects", locale, ("=object", ">observations", ">raters", ">score_share", "interval"), rows)


def coverage_table(report: pb.FormReport, locale: str) -> Table:
    one = report.coverage
    counts = (f"{count:,}" for count in (one.planned, one.done, one.missed, one.open))
    rows = [(*counts, *figures(one, "coverage", locale, 100.0))]
    names = (">planned", ">done", ">missed", ">open", ">coverage", "interval")
    return small_table("coverage", locale, names, rows)


def planned_table(observations: Sequence[Any], locale: str, zone: tzinfo) -> Table:
    """zone: that times are shown in."""
    rows = [
        (
            when(one.time, zone),
            one.unit,
            one.shift or "-",
            f"{when(one.start_time, zone)} – {when(one.end_time, zone)}",
            named(pb.PlannedState, one.state, locale),
            one.observation or "-",
        )
        for one in observations
    ]
    return small_table("planned", locale, ("time", "=unit", "shift", "span", "state", "=observation"), rows)
