"""What the rules of a source's cleaning may be."""

from services.ingest.admission.cleaning_rules import category_key
from services.ingest.admission.correction import is_field
from services.ingest.columns import FIXED_TYPES
from services.ingest.model import ATTRIBUTE_NAME_CHARS_MAX, ATTRIBUTE_PREFIX, ID_CHARS_MAX, Cleaning
from services.runtime.field_checks import FieldChecks

PLACEHOLDERS_MAX, RULES_MAX, VALUES_MAX, FACTORS_MAX = 200, 100, 1_000, 20
# With "raw." before it, it is the name of an attribute still.
_RAW_NAME_CHARS_MAX = ATTRIBUTE_NAME_CHARS_MAX - len("raw.")
_NO_RULE_FOR = ("id", "source", "time", "supersedes", "retracts", "traceparent")


def check_cleaning(cleaning: Cleaning, path: str, checks: FieldChecks) -> None:
    for name, most in (("placeholders", PLACEHOLDERS_MAX), *((name, RULES_MAX) for name in ("categories", "units"))):
        checks.require(len(getattr(cleaning, name)) <= most, f"{path}.{name}", f"must be at most {most}")
    checks.require(len(cleaning.time_orders) <= RULES_MAX, f"{path}.time_orders", f"must be at most {RULES_MAX}")
    for index, placeholder in enumerate(cleaning.placeholders):
        at = f"{path}.placeholders[{index}]"
        checks.require(not placeholder.field or is_cleaned(placeholder.field), f"{at}.field", FIELD)
        few = 0 < len(placeholder.value) <= ID_CHARS_MAX
        checks.require(few, f"{at}.value", f"must have 1 to {ID_CHARS_MAX} characters")
    for index, category in enumerate(cleaning.categories):
        at = f"{path}.categories[{index}]"
        short = len(category.field.removeprefix(ATTRIBUTE_PREFIX)) <= _RAW_NAME_CHARS_MAX
        checks.require(is_cleaned(category.field) and short, f"{at}.field", FIELD)
        checks.require(0 < len(category.values) <= VALUES_MAX, f"{at}.values", f"must be 1 to {VALUES_MAX}")
        differ = len({category_key(value) for value in category.values}) == len(category.values)
        checks.require(differ, f"{at}.values", "must differ in more than case, width and spaces")
        checks.require(all(map(category_key, category.values)), f"{at}.values", "must not be empty")
    for index, unit in enumerate(cleaning.units):
        at = f"{path}.units[{index}]"
        checks.require(_is_attribute(unit.field), f"{at}.field", "must be attributes.<name>")
        checks.require(unit.low < unit.high, f"{at}.high", "must be above low")
        checks.require(len(unit.factors) <= FACTORS_MAX, f"{at}.factors", f"must be at most {FACTORS_MAX}")
        checks.require(all(factor > 0 for factor in unit.factors), f"{at}.factors", "must be positive")
    for index, order in enumerate(cleaning.time_orders):
        for name, field in (("earlier", order.earlier), ("later", order.later)):
            is_time = field == "time" or _is_attribute(field)
            checks.require(is_time, f"{path}.time_orders[{index}].{name}", "must be time or attributes.<name>")
        differ = order.earlier != order.later
        checks.require(differ, f"{path}.time_orders[{index}].later", "must be another field than earlier")


FIELD = "must be case_id, activity, resource, object_kind or attributes.<name>"


def _is_attribute(field: str) -> bool:
    return is_field(field) and field not in FIXED_TYPES


def is_cleaned(field: str) -> bool:
    return is_field(field) and field not in _NO_RULE_FOR
