"""What is done with each field of a source: its own policies, and safe defaults for all else."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from services.ingest.admission.own_source import OWN_SOURCES
from services.ingest.columns import codes_of
from services.ingest.model import ATTRIBUTE_PREFIX, FieldPolicy, Source, SourceId, Treatment

Rows = NDArray[np.bool_]

RAW_PREFIX = ATTRIBUTE_PREFIX + "raw."
CASE_ID, ACTIVITY, RESOURCE = "case_id", "activity", "resource"
_OF_PERSONS = (Treatment.PSEUDONYMISE, Treatment.ENCRYPT)
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
# Attributes whose name ends with one of these are a person's, whatever their values look like.
_PERSONAL = re.compile(
    "email|mail|phone|telephone|mobile|cellphone|fax|ssn|iban|passport|idcard|surname|firstname|lastname|fullname"
)
_OWNER = re.compile(
    "customer|caller|client|contact|patient|guest|first|last|full|family|given|user|person|employee|agent|requester"
)


@dataclass(frozen=True)
class TreatedRows:
    """The rows of a page whose field is treated in one way; `rows` is absent where all are."""

    policy: FieldPolicy
    rows: Rows | None
    subject: str

    def mask(self, count: int) -> Rows:
        return np.ones(count, dtype=np.bool_) if self.rows is None else self.rows


def policies_of(coded: pa.DictionaryArray, sources: Mapping[SourceId, Source]) -> list[Source]:
    """By the codes of a source column. Unknown sources have safe defaults."""
    names = map(SourceId, coded.dictionary.to_pylist())
    return [OWN_SOURCES.get(name) or sources.get(name) or Source(name) for name in names]


def treatments(page: pa.RecordBatch, policies: Sequence[Source]) -> list[TreatedRows]:
    """What is done with each field of the page that can name a person, in the order of its columns."""
    found: list[TreatedRows] = []
    for field in dict.fromkeys(page.schema.names):
        if field not in (RESOURCE, CASE_ID, ACTIVITY) and not field.startswith(ATTRIBUTE_PREFIX):
            continue
        wanted: dict[tuple[FieldPolicy, str], list[int]] = {}
        for code, source in enumerate(policies):
            wanted.setdefault((policy_of(source, field), source.subject or CASE_ID), []).append(code)
        if len(wanted) == 1:
            ((policy, subject),) = wanted
            found.append(TreatedRows(policy, None, subject))
            continue
        codes = codes_of(page.column("source"))
        for (policy, subject), members in wanted.items():
            rows = np.isin(codes, members)
            if rows.any():
                found.append(TreatedRows(policy, None if rows.all() else rows, subject))
    return found


def policy_of(source: Source, field: str) -> FieldPolicy:
    """Of resource, case_id, activity or attributes.<name>."""
    if field in source.policy_by_field:
        return source.policy_by_field[field]
    if field.startswith(RAW_PREFIX):
        return replace(policy_of(source, _as_it_is(field)), field=field)
    if field == CASE_ID:
        return FieldPolicy(field, Treatment.KEEP)
    is_person = field.startswith(ATTRIBUTE_PREFIX) and says_person(field.removeprefix(ATTRIBUTE_PREFIX))
    return FieldPolicy(field, Treatment.PSEUDONYMISE if field == RESOURCE or is_person else Treatment.SCAN)


def _as_it_is(field: str) -> str:
    """The field whose value as it came is stored in this one: it is treated as that field is."""
    name = field.removeprefix(RAW_PREFIX)
    return field if name == field else name if name == ACTIVITY else ATTRIBUTE_PREFIX + name


def personal_attributes(fields: Iterable[str], sources: Sequence[Source]) -> set[str]:
    """Those of the fields that are attributes and name persons in one of the sources, without their prefix."""
    return {
        field.removeprefix(ATTRIBUTE_PREFIX)
        for field in fields
        if field.startswith(ATTRIBUTE_PREFIX)
        and any(
            policy_of(source, field).treatment in _OF_PERSONS or source.subject in (field, _as_it_is(field))
            for source in sources
        )
    }


def says_person(name: str) -> bool:
    """
    >>> says_person("contact_phone"), says_person("customerName"), says_person("phone_calls"), says_person("name")
    (True, True, False, False)
    """
    words = [word.lower() for word in _WORD.findall(name)]
    if not words:
        return False
    owned = words[-1] == "name" and len(words) > 1 and _OWNER.fullmatch(words[-2]) is not None
    return owned or _PERSONAL.fullmatch(words[-1]) is not None or words[-2:] == ["id", "card"]
