"""What a survey may ask."""

import re

from andon.ingest.v1 import survey_pb2

from services.ingest.registry.surveys.model import RESERVED_NAMES
from services.runtime.field_checks import FieldChecks

ITEMS_MAX = 90
SCALE_SPAN_MAX = 100
CHOICES_MIN, CHOICES_MAX, CHOICE_CHARS_MAX = 2, 100, 100
TEXT_CHARS_MAX, TITLE_CHARS_MAX = 500, 200
NAME = re.compile(r"[a-z0-9_]{1,64}")
_NPS_ENDS = (0, 10)


def check_survey(message: survey_pb2.Survey, checks: FieldChecks) -> None:
    for name, chars_max in (("title", TITLE_CHARS_MAX), ("frame", TEXT_CHARS_MAX)):
        for language in ("en", "zh"):
            short = len(getattr(getattr(message, name), language)) <= chars_max
            checks.require(short, f"survey.{name}.{language}", f"must have at most {chars_max} characters")
    checks.require(message.frame_size >= 0, "survey.frame_size", "must not be negative")
    checks.require(1 <= len(message.items) <= ITEMS_MAX, "survey.items", f"must be 1 to {ITEMS_MAX}")
    by_name: dict[str, survey_pb2.SurveyItem] = {}
    for index, item in enumerate(message.items[:ITEMS_MAX]):
        at = f"survey.items[{index}]"
        allowed = NAME.fullmatch(item.name) is not None and item.name not in RESERVED_NAMES
        checks.require(allowed, f"{at}.name", f"must be 1 to 64 of [a-z0-9_], and not {', '.join(RESERVED_NAMES)}")
        checks.require(item.name not in by_name, f"{at}.name", "must be given once only")
        by_name[item.name] = item
        _check_item(item, at, checks)
    expected: set[str] = set()
    for index, item in enumerate(message.items[:ITEMS_MAX]):
        if item.expectation_of:
            at = f"survey.items[{index}].expectation_of"
            other = by_name.get(item.expectation_of)
            checks.require(_is_pair(item, other), at, "must name another item of the same scale and dimension")
            checks.require(item.expectation_of not in expected, at, "must have one expectation only")
            expected.add(item.expectation_of)


def _is_pair(item: survey_pb2.SurveyItem, other: survey_pb2.SurveyItem | None) -> bool:
    if other is None or other.name == item.name or other.expectation_of or not item.dimension:
        return False
    scales = [(one.HasField("scale"), one.scale.low, one.scale.high, one.dimension) for one in (item, other)]
    return scales[0][0] and scales[0] == scales[1]


def _check_item(item: survey_pb2.SurveyItem, at: str, checks: FieldChecks) -> None:
    for language in ("en", "zh"):
        text = getattr(item.text, language)
        few = f"must have at most {TEXT_CHARS_MAX} characters"
        checks.require(len(text) <= TEXT_CHARS_MAX, f"{at}.text.{language}", few)
    named = not item.dimension or NAME.fullmatch(item.dimension) is not None
    checks.require(named, f"{at}.dimension", "must be 1 to 64 of [a-z0-9_]")
    match item.WhichOneof("answer"):
        case None:
            checks.require(False, f"{at}.answer", "must be a scale, a choice or a comment", "FIELD_REQUIRED")
        case "scale":
            _check_scale(item.scale, f"{at}.scale", checks)
        case "choice":
            values = list(item.choice.values)
            count = CHOICES_MIN <= len(values) <= CHOICES_MAX
            checks.require(count, f"{at}.choice.values", f"must be {CHOICES_MIN} to {CHOICES_MAX}")
            checks.require(len(set(values)) == len(values), f"{at}.choice.values", "must be given once each")
            for place, value in enumerate(values):
                sized = 1 <= len(value) <= CHOICE_CHARS_MAX and value == value.strip()
                what = f"must have 1 to {CHOICE_CHARS_MAX} characters, and no space at its ends"
                checks.require(sized, f"{at}.choice.values[{place}]", what)


def _check_scale(scale: survey_pb2.AnswerScale, at: str, checks: FieldChecks) -> None:
    span = scale.low < scale.high <= scale.low + SCALE_SPAN_MAX
    checks.require(span, f"{at}.high", f"must lie above low, by at most {SCALE_SPAN_MAX}")
    checks.require(scale.index in survey_pb2.AnswerIndex.values(), f"{at}.index", "must be an index")
    if scale.index == survey_pb2.ANSWER_INDEX_NPS:
        checks.require((scale.low, scale.high) == _NPS_ENDS, f"{at}.index", "is for scales of 0 to 10")
    if scale.satisfied_from:
        satisfied = scale.index == survey_pb2.ANSWER_INDEX_CSAT and scale.low < scale.satisfied_from <= scale.high
        checks.require(satisfied, f"{at}.satisfied_from", "must lie above low, up to high, and is of CSAT only")
    for name in ("low_label", "high_label"):
        label = getattr(scale, name)
        short = max(len(label.en), len(label.zh)) <= TITLE_CHARS_MAX
        checks.require(short, f"{at}.{name}", f"must have at most {TITLE_CHARS_MAX} characters")
