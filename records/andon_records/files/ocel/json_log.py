"""OCEL 2.0 in JSON: objects and events in any order, one of them in memory at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from andon_records.files.json_values import JsonValues
from andon_records.files.ocel.stage import ObjectValue, OcelStage, Relationship
from andon_records.files.utf8_stream import refuse
from andon_records.messages import message


def stage_json(path: Path) -> OcelStage:
    """Raises UnreadableFile with the line where it is no JSON, or the event or object that is none."""
    stage, counts = OcelStage(), dict.fromkeys(("objectTypes", "eventTypes", "objects", "events"), 0)
    for place, value in JsonValues(path).items():
        part = place[0] if len(place) == 1 else ""
        if part not in counts:
            continue
        counts[part] += 1
        try:
            if part.endswith("Types"):
                types = stage.object_types if part == "objectTypes" else stage.event_types
                declared = types.setdefault(_text(value["name"]), {})
                declared.update({_text(one["name"]): _text(one["type"]) for one in value.get("attributes") or ()})
            elif part == "objects":
                values = [
                    ObjectValue(_text(one["name"]), _optional(one.get("time")), _text(one["value"]))
                    for one in value.get("attributes") or ()
                    if one["value"] is not None
                ]
                stage.add_object(_text(value["id"]), _text(value["type"]), values, _relations(value))
            else:
                attributes = {
                    _text(one["name"]): _text(one["value"])
                    for one in value.get("attributes") or ()
                    if one["value"] is not None
                }
                time = _optional(value.get("time"))
                stage.add_event(_text(value["id"]), _text(value["type"]), time, attributes, _relations(value))
        except (KeyError, TypeError, AttributeError) as error:
            problem = f'"{error.args[0]}"' if isinstance(error, KeyError) else "its shape"
            raise refuse(path, message("ocel_part_broken", part=part, number=counts[part], problem=problem)) from error
    stage.finish()
    return stage


def _relations(value: dict[str, Any]) -> Iterator[Relationship]:
    for one in value.get("relationships") or ():
        yield Relationship(_text(one["objectId"]), _text(one.get("qualifier") or ""))


def _optional(value: Any) -> str | None:
    return None if value is None else _text(value)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "backslashreplace").decode("utf-8")
