"""What a clause may say."""

from __future__ import annotations

import re

from andon.scoring.v1 import clause_pb2 as pb

from services.runtime.field_checks import FieldChecks
from services.scoring.wire.clauses import CLAUSE_PREFIX
from services.scoring.wire.scores import microseconds

LINKS_MAX = 100
DOCUMENT_CHARS_MAX, NUMBER_CHARS_MAX, TEXT_CHARS_MAX = 200, 64, 4_000
NAME = re.compile(r"[a-z0-9-]{1,64}")
SYSTEM = re.compile(r"processes/[a-z0-9-]{1,64}/indicatorSystems/[a-z0-9-]{1,64}")


def check_clause(one: pb.Clause, name: str, checks: FieldChecks) -> None:
    """name: without its prefix."""
    named = bool(one.document.strip()) and len(one.document) <= DOCUMENT_CHARS_MAX
    checks.require(named, "clause.document", f"must have 1 to {DOCUMENT_CHARS_MAX} characters", "FIELD_REQUIRED")
    numbered = bool(one.number.strip()) and len(one.number) <= NUMBER_CHARS_MAX
    checks.require(numbered, "clause.number", f"must have 1 to {NUMBER_CHARS_MAX} characters", "FIELD_REQUIRED")
    written = bool(one.text.en.strip() or one.text.zh.strip())
    checks.require(written, "clause.text", "must be given in one language at least", "FIELD_REQUIRED")
    for language in ("en", "zh"):
        short = len(getattr(one.text, language)) <= TEXT_CHARS_MAX
        checks.require(short, f"clause.text.{language}", f"must have at most {TEXT_CHARS_MAX} characters")
    span = one.effective
    bounded = span.HasField("start") and span.HasField("end")
    lasting = not bounded or microseconds(span.start) < microseconds(span.end)
    checks.require(lasting, "clause.effective", "must end after it starts")
    if one.superseded_by:
        other = one.superseded_by.removeprefix(CLAUSE_PREFIX)
        is_other = one.superseded_by.startswith(CLAUSE_PREFIX) and NAME.fullmatch(other) is not None and other != name
        checks.require(is_other, "clause.superseded_by", "must be clauses/{clause}, and another one")
        checks.require(
            span.HasField("end"), "clause.effective.end", "is needed where it is superseded", "FIELD_REQUIRED"
        )
    checks.require(len(one.links) <= LINKS_MAX, "clause.links", f"must be at most {LINKS_MAX}")
    seen: set[tuple[str, str]] = set()
    for index, link in enumerate(one.links[:LINKS_MAX]):
        system = SYSTEM.fullmatch(link.indicator_system) is not None
        description = "must be processes/{process}/indicatorSystems/{system}"
        checks.require(system, f"clause.links[{index}].indicator_system", description)
        pair = (link.indicator_system, link.indicator)
        checks.require(pair not in seen, f"clause.links[{index}]", "must be given once only")
        seen.add(pair)
