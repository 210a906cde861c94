"""What a form may ask to be observed, and when."""

import math
import re
from datetime import date

from andon.common.v1.text_pb2 import Text
from andon.ingest.v1 import event_pb2, form_pb2
from andon_records.mapping.time_zones import is_zone

from services.ingest.model import ATTRIBUTE_NAME
from services.ingest.registry.forms.model import NOT_GRADED
from services.ingest.servicer.survey_rules import NAME, TEXT_CHARS_MAX, TITLE_CHARS_MAX
from services.ingest.wire.forms import minute_of
from services.runtime.field_checks import FieldChecks

ITEMS_MAX = 80
GRADES_MIN, GRADES_MAX = 2, 20
UNITS_MAX, SHIFTS_MAX, COUNT_MAX = 2_000, 24, 1_000
PERIOD_CANDIDATES_MAX = 50_000
DAY_MIN = 24 * 60
DAYS_MAX = {form_pb2.PLAN_PERIOD_WEEK: 7, form_pb2.PLAN_PERIOD_MONTH: 31}
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")


def check_form(message: form_pb2.ObservationForm, checks: FieldChecks) -> None:
    _check_text(message.title, "form.title", TITLE_CHARS_MAX, checks)
    named = message.object_kind and message.object_kind in event_pb2.ObjectKind.values()
    kinds = "must be PERSON, PROCESS, FACILITY, ENVIRONMENT or OUTCOME"
    checks.require(bool(named), "form.object_kind", kinds, "FIELD_INVALID" if message.object_kind else "FIELD_REQUIRED")
    checks.require(1 <= len(message.items) <= ITEMS_MAX, "form.items", f"must be 1 to {ITEMS_MAX}")
    names: set[str] = set()
    for index, item in enumerate(message.items[:ITEMS_MAX]):
        at = f"form.items[{index}]"
        allowed = NAME.fullmatch(item.name) is not None and item.name not in NOT_GRADED
        checks.require(allowed, f"{at}.name", f"must be 1 to 64 of [a-z0-9_], and not {', '.join(NOT_GRADED)}")
        checks.require(item.name not in names, f"{at}.name", "must be given once only")
        names.add(item.name)
        _check_item(item, at, checks)
    if message.HasField("plan"):
        _check_plan(message, checks)


def _check_text(text: Text, at: str, chars_max: int, checks: FieldChecks) -> None:
    for language in ("en", "zh"):
        short = len(getattr(text, language)) <= chars_max
        checks.require(short, f"{at}.{language}", f"must have at most {chars_max} characters")


def _check_item(item: form_pb2.FormItem, at: str, checks: FieldChecks) -> None:
    _check_text(item.text, f"{at}.text", TEXT_CHARS_MAX, checks)
    count = not item.grades or GRADES_MIN <= len(item.grades) <= GRADES_MAX
    checks.require(count, f"{at}.grades", f"must be {GRADES_MIN} to {GRADES_MAX}, or none for the observer's own words")
    before = -math.inf
    for place, grade in enumerate(item.grades[:GRADES_MAX]):
        checks.require(grade.value > before, f"{at}.grades[{place}].value", "must be larger than the one before")
        before = grade.value
        _check_text(grade.label, f"{at}.grades[{place}].label", TITLE_CHARS_MAX, checks)
        _check_text(grade.meaning, f"{at}.grades[{place}].meaning", TEXT_CHARS_MAX, checks)


def _check_plan(message: form_pb2.ObservationForm, checks: FieldChecks) -> None:
    plan, at = message.plan, "form.plan"
    checks.require(plan.period in form_pb2.PlanPeriod.values(), f"{at}.period", "must be a period")
    checks.require(plan.stratum in form_pb2.PlanStratum.values(), f"{at}.stratum", "must be a stratum")
    checks.require(1 <= plan.count <= COUNT_MAX, f"{at}.count", f"must be 1 to {COUNT_MAX}")
    checks.require(1 <= len(plan.units) <= UNITS_MAX, f"{at}.units", f"must be 1 to {UNITS_MAX}")
    units = list(plan.units[:UNITS_MAX])
    checks.require(len(set(units)) == len(units), f"{at}.units", "must be given once each")
    for place, unit in enumerate(units):
        what = "must be 1 to 64 of [A-Za-z0-9_.:-]"
        checks.require(ATTRIBUTE_NAME.fullmatch(unit) is not None, f"{at}.units[{place}]", what)
    zone = not plan.time_zone or is_zone(plan.time_zone)
    checks.require(zone, f"{at}.time_zone", "must be a time zone, for example Europe/Berlin")
    days = []
    for name in ("start_date", "end_date"):
        day = _day(getattr(plan, name))
        given = day is not None or (name == "end_date" and not plan.end_date)
        checks.require(given, f"{at}.{name}", "must be a date, for example 2026-05-04")
        days.append(day)
    ordered = days[0] is None or days[1] is None or days[0] <= days[1]
    checks.require(ordered, f"{at}.end_date", "must not lie before start_date")
    _check_shifts(plan, f"{at}.shifts", checks)
    days_of_period = DAYS_MAX.get(plan.period, 1)
    few = days_of_period * max(len(plan.shifts), 1) * len(plan.units) <= PERIOD_CANDIDATES_MAX
    what = f"must combine with days and shifts to at most {PERIOD_CANDIDATES_MAX} in a period"
    checks.require(few, f"{at}.units", what)


def _check_shifts(plan: form_pb2.SamplingPlan, at: str, checks: FieldChecks) -> None:
    checks.require(len(plan.shifts) <= SHIFTS_MAX, at, f"must be at most {SHIFTS_MAX}")
    spans = []
    names: set[str] = set()
    for place, shift in enumerate(plan.shifts[:SHIFTS_MAX]):
        named = ATTRIBUTE_NAME.fullmatch(shift.name) is not None and shift.name not in names
        names.add(shift.name)
        checks.require(named, f"{at}[{place}].name", "must be 1 to 64 of [A-Za-z0-9_.:-], each once")
        clocks = [_CLOCK.fullmatch(one) is not None for one in (shift.start, shift.end)]
        for good, name in zip(clocks, ("start", "end"), strict=True):
            checks.require(good, f"{at}[{place}].{name}", "must be a time of day, for example 06:00")
        if all(clocks):
            start, end = minute_of(shift.start), minute_of(shift.end)
            spans.append((start, end if end > start else end + DAY_MIN))
    spans.sort()
    # The last one may reach into the first of the next day.
    following = [*spans[1:], *((start + DAY_MIN, end + DAY_MIN) for start, end in spans[:1])]
    apart = all(one[1] <= after[0] for one, after in zip(spans, following, strict=True))
    checks.require(apart, at, "must not overlap")


def _day(written: str) -> date | None:
    try:
        return date.fromisoformat(written) if len(written) == len("2026-05-04") else None
    except ValueError:
        return None
