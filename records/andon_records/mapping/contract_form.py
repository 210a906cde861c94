"""A mapping as the contract writes it in JSON (`andon.ingest.v1.RecordMapping`), and as people write it in YAML."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from andon_records.mapping.document import COLUMN_KEYS

_TYPE, _KIND = "ATTRIBUTE_TYPE_", "OBJECT_KIND_"
# What a source says, and its mapping does not.
OF_THE_SOURCE = ("source", "privacy", "subject")


def to_contract(document: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON of the message, of a document that `parse_mapping` accepts, less what belongs to the source."""
    made: dict[str, Any] = {}
    for key, given in document.items():
        if key in OF_THE_SOURCE or given is None or given == "":
            continue
        if key in COLUMN_KEYS:
            made[key] = _column(given)
        elif key == "attributes":
            made[key] = {str(name): _attribute(one) for name, one in given.items()}
        elif key == "object_kind":
            made[key] = _KIND + str(given).upper()
        elif key == "unfold":
            made[key] = [{"name": str(name), "path": str(path)} for name, path in given.items()]
        elif key == "omit_rows":
            made[key] = {str(name): {"values": [_text(one) for one in values]} for name, values in given.items()}
        elif key == "header_row":
            made[key] = int(given)
        elif key == "multiline_values":
            made[key] = str(given).lower() in ("true", "yes", "on")
        elif isinstance(given, Mapping):
            made[key] = {str(name): _text(one) for name, one in given.items()}
        else:
            made[key] = [_text(one) for one in given] if isinstance(given, list) else str(given)
    return made


def to_document(contract: Mapping[str, Any]) -> dict[str, Any]:
    """What `parse_mapping` reads, less the source; short where the form allows it."""
    made: dict[str, Any] = {}
    for key, given in contract.items():
        if key in COLUMN_KEYS:
            made[key] = given["column"] if set(given) == {"column"} else dict(given)
        elif key == "attributes":
            made[key] = {name: _short(name, given[name]) for name in sorted(given)}
        elif key == "object_kind":
            if given != _KIND + "UNSPECIFIED":
                made[key] = given.removeprefix(_KIND).lower()
        elif key == "unfold":
            made[key] = {step.get("name", ""): step.get("path", "") for step in given}
        elif key == "omit_rows":
            made[key] = {name: list(rule.get("values", ())) for name, rule in given.items()}
        else:
            made[key] = given
    return made


def _column(given: Any) -> dict[str, Any]:
    if not isinstance(given, Mapping):
        return {"column": str(given)}
    made = {key: str(given[key]) for key in ("column", "text") if key in given}
    if given.get("replace"):
        made["replace"] = {str(old): _text(new) for old, new in given["replace"].items()}  # type: ignore[assignment]
    return made


def _attribute(given: Any) -> dict[str, Any]:
    if given is None or given == "":
        return {}
    if not isinstance(given, Mapping):
        return {"type": _TYPE + str(given).upper()}
    kind = {"type": _TYPE + str(given["type"]).upper()} if "type" in given else {}
    return {**_column(given), **kind}


def _short(name: str, given: Mapping[str, Any]) -> Any:
    kind = str(given.get("type", _TYPE + "UNSPECIFIED")).removeprefix(_TYPE).lower()
    kind = "text" if kind == "unspecified" else kind
    rest = {key: value for key, value in given.items() if key != "type" and not (key == "column" and value == name)}
    return {**rest, "type": kind} if rest else kind


def _text(given: Any) -> str:
    if isinstance(given, bool):
        return "true" if given else "false"
    return "" if given is None else str(given)
