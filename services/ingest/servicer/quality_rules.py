"""What the rules of a source's data quality may be."""

from services.ingest.model import QualityRules
from services.ingest.servicer.cleaning_rules import FIELD, RULES_MAX, VALUES_MAX, is_cleaned
from services.runtime.field_checks import FieldChecks


def check_quality(rules: QualityRules, path: str, checks: FieldChecks) -> None:
    for name in ("required", "ranges", "values"):
        checks.require(len(getattr(rules, name)) <= RULES_MAX, f"{path}.{name}", f"must be at most {RULES_MAX}")
    for index, field in enumerate(rules.required):
        checks.require(is_cleaned(field), f"{path}.required[{index}]", FIELD)
    for index, span in enumerate(rules.ranges):
        checks.require(is_cleaned(span.field), f"{path}.ranges[{index}].field", FIELD)
        # Not a number is not below either.
        checks.require(span.low <= span.high, f"{path}.ranges[{index}].high", "must not be below low")
    for index, category in enumerate(rules.values):
        checks.require(is_cleaned(category.field), f"{path}.values[{index}].field", FIELD)
        few = 0 < len(category.values) <= VALUES_MAX
        checks.require(few, f"{path}.values[{index}].values", f"must be 1 to {VALUES_MAX}")
    checks.require(rules.timely_within_us > 0, f"{path}.timely_within", "must be positive")
