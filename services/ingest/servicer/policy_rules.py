"""What the privacy policy of a source may say."""

import math

from andon.ingest.v1 import source_pb2

from services.ingest.model import ATTRIBUTE_NAME, ATTRIBUTE_PREFIX, Treatment
from services.runtime.field_checks import FieldChecks

POLICIES_MAX = 200
LEADING_CHARACTERS_MAX = 100
_ALLOWED = {
    "case_id": (Treatment.KEEP, Treatment.PSEUDONYMISE),
    "activity": (Treatment.KEEP, Treatment.SCAN),
    "resource": tuple(Treatment),
}


def check_privacy(message: source_pb2.Source, path: str, checks: FieldChecks) -> None:
    """`path`: of the source in its request."""
    few = len(message.policies) <= POLICIES_MAX
    checks.require(few, f"{path}.policies", f"must be at most {POLICIES_MAX}")
    seen: set[str] = set()
    for index, one in enumerate(message.policies):
        at = f"{path}.policies[{index}]"
        if not (one.field in _ALLOWED or _is_attribute(one.field)):
            checks.require(False, f"{at}.field", "must be resource, case_id, activity or attributes.<name>")
            continue
        checks.require(one.field not in seen, f"{at}.field", "must be named once only")
        seen.add(one.field)
        allowed = _ALLOWED.get(one.field, tuple(Treatment))
        names = ", ".join(allowed_one.name.lower() for allowed_one in allowed)
        treatment = int(one.treatment)
        checks.require(treatment in allowed, f"{at}.treatment", f"must be one of {names}")
        generalised = treatment == Treatment.GENERALISE
        band = math.isfinite(one.band) and one.band >= 0 and (generalised or one.band == 0)
        checks.require(band, f"{at}.band", "must be positive, and only of generalise")
        count = 0 <= one.leading_characters <= LEADING_CHARACTERS_MAX and (generalised or one.leading_characters == 0)
        what = f"must be 1 to {LEADING_CHARACTERS_MAX}, and only of generalise"
        checks.require(count, f"{at}.leading_characters", what)
    subject = message.subject in ("", "case_id", "resource") or _is_attribute(message.subject)
    checks.require(subject, f"{path}.subject", "must be case_id, resource or attributes.<name>")


def _is_attribute(field: str) -> bool:
    name = field.removeprefix(ATTRIBUTE_PREFIX)
    return name != field and ATTRIBUTE_NAME.fullmatch(name) is not None
