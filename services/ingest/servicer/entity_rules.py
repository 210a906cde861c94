"""Which fields of a source may be keys of entities, and what entities and keys may be called."""

from collections.abc import Sequence

from andon.ingest.v1 import entity_pb2, source_pb2

from services.ingest.admission.policies import policy_of
from services.ingest.model import ATTRIBUTE_NAME, ATTRIBUTE_PREFIX, ID_CHARS_MAX, SOURCE, EntityKind, Source, Treatment
from services.ingest.registry.entities.model import PERSONAL, key_form
from services.ingest.servicer.survey_rules import TITLE_CHARS_MAX
from services.runtime.field_checks import FieldChecks

FIELDS_MAX = 5
KEYS_MAX = 1_000
_FIXED = ("case_id", "resource")


def check_entity_keys(source: Source, message: source_pb2.Source, at: str, checks: FieldChecks) -> None:
    """source: as it becomes; message: what was given of it."""
    checks.require(len(message.entity_keys) <= FIELDS_MAX, at, f"must be at most {FIELDS_MAX}")
    for place, given in enumerate(message.entity_keys):
        kinds = ", ".join(one.name for one in EntityKind)
        checks.require(int(given.kind) in set(EntityKind), f"{at}[{place}].kind", f"must be one of {kinds}")
    seen: set[str] = set()
    kinds_seen: set[EntityKind] = set()
    for place, one in enumerate(source.entity_keys):
        name = one.field.removeprefix(ATTRIBUTE_PREFIX)
        known = one.field in _FIXED or (name != one.field and ATTRIBUTE_NAME.fullmatch(name) is not None)
        checks.require(known, f"{at}[{place}].field", "must be case_id, resource or attributes.<name>")
        once = one.field not in seen and one.kind not in kinds_seen
        checks.require(once, f"{at}[{place}]", "must have a field and a kind that no other one has")
        seen.add(one.field)
        kinds_seen.add(one.kind)
        if one.kind in PERSONAL and known:
            hidden = policy_of(source, one.field).treatment == Treatment.PSEUDONYMISE
            checks.require(hidden, f"{at}[{place}].field", "names persons: its policy must be to pseudonymise")


def check_entity(request: entity_pb2.CreateEntityRequest, checks: FieldChecks) -> None:
    kind = int(request.entity.kind)
    kinds = ", ".join(one.name for one in EntityKind)
    checks.require(kind in set(EntityKind), "entity.kind", f"must be one of {kinds}")
    title = request.entity.title
    for language in ("en", "zh"):
        text = getattr(title, language)
        what = f"must have at most {TITLE_CHARS_MAX} characters"
        checks.require(len(text) <= TITLE_CHARS_MAX, f"entity.title.{language}", what)
        if kind in PERSONAL:
            checks.require(not text, f"entity.title.{language}", "must be empty: persons are known by pseudonyms alone")
    if kind in PERSONAL:
        checks.require(not request.entity_id, "entity_id", "must be empty: of a person the server makes it")
    else:
        named = SOURCE.fullmatch(request.entity_id) is not None
        checks.require(named, "entity_id", "must be 1 to 64 of [a-z0-9._-]")


def check_keys(keys: Sequence[entity_pb2.EntityKey], checks: FieldChecks) -> None:
    checks.require(1 <= len(keys) <= KEYS_MAX, "keys", f"must be 1 to {KEYS_MAX}")
    for place, one in enumerate(keys[:KEYS_MAX]):
        sized = 1 <= len(key_form(one.key)) <= ID_CHARS_MAX
        checks.require(sized, f"keys[{place}].key", f"must have 1 to {ID_CHARS_MAX} characters")
