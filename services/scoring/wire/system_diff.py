"""What differs between two documents of an indicator system, field by field, with what each difference changes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from andon.scoring.v1 import indicator_system_pb2 as system_pb
from andon.scoring.v1 import system_review_pb2 as pb
from google.protobuf.json_format import MessageToDict

from services.scoring.system.case_model import Text
from services.scoring.wire.scores import text

WORDS, VALUES, POINTS = pb.CHANGE_EFFECT_WORDS, pb.CHANGE_EFFECT_VALUES, pb.CHANGE_EFFECT_POINTS
SIGNALS, COMPLETENESS = pb.CHANGE_EFFECT_SIGNALS, pb.CHANGE_EFFECT_COMPLETENESS
EFFECTS: Mapping[str, pb.ChangeEffect.ValueType] = {
    "title": WORDS,
    "owner": WORDS,
    "chart": SIGNALS,
    "symptom_of": SIGNALS,
    "target": POINTS,
    "weight": POINTS,
    "parent": POINTS,
    "composites": POINTS,
    "count_min": POINTS,
    "steps": WORDS,
    "lateness": COMPLETENESS,
    "source_idle_timeout": COMPLETENESS,
}
"""By the name of a field, the innermost that is here; all else changes values."""
EFFECT_WORDS: Mapping[int, Text] = {
    WORDS: Text("words only", "仅文字"),
    VALUES: Text("values", "数值"),
    POINTS: Text("points and states", "得分与状态"),
    SIGNALS: Text("charts and signals", "控制图与信号"),
    COMPLETENESS: Text("when windows are complete", "窗口何时完整"),
}
ABSENT = object()


def system_changes(
    before: system_pb.IndicatorSystemSpec, after: system_pb.IndicatorSystemSpec
) -> list[pb.SystemChange]:
    """In the order of the document. Members of lists that have names are compared by name, wherever they stand."""
    old, new = (MessageToDict(one, preserving_proto_field_name=True) for one in (before, after))
    return [change_message(path, one, other) for path, one, other in differences(old, new, ())]


def differences(old: Any, new: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any, Any]]:
    """Each place where they differ, as deep as both have it. ABSENT: one of them has nothing there."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for name in dict.fromkeys((*old, *new)):
            yield from differences(old.get(name, ABSENT), new.get(name, ABSENT), (*path, name))
    elif is_named(old) and is_named(new):
        left, right = ({one["name"]: one for one in members} for members in (old, new))
        for name in dict.fromkeys((*left, *right)):
            place = (*path[:-1], f"{path[-1]}[{name}]")
            yield from differences(left.get(name, ABSENT), right.get(name, ABSENT), place)
        if list(left) != list(right) and left.keys() == right.keys():
            yield path, list(left), list(right)
    elif is_named(old if new is ABSENT else new if old is ABSENT else None):
        for one in old if new is ABSENT else new:
            place = (*path[:-1], f"{path[-1]}[{one['name']}]")
            yield (place, one, ABSENT) if new is ABSENT else (place, ABSENT, one)
    elif old != new:
        yield path, old, new


def is_named(members: Any) -> bool:
    return isinstance(members, list) and all(isinstance(one, Mapping) and "name" in one for one in members)


def change_message(path: Sequence[str], old: Any, new: Any) -> pb.SystemChange:
    kinds = pb.SystemChange
    kind = kinds.KIND_ADDED if old is ABSENT else kinds.KIND_REMOVED if new is ABSENT else kinds.KIND_CHANGED
    named = [part.partition("[")[0] for part in path]
    effect = next((EFFECTS[name] for name in reversed(named) if name in EFFECTS), VALUES)
    if kind != kinds.KIND_CHANGED and named[-1] in ("indicators", "measures"):
        effect = VALUES
    field = ".".join(path)
    before, after = ("" if one is ABSENT else json.dumps(one, ensure_ascii=False) for one in (old, new))
    consequence = EFFECT_WORDS[effect]
    en, zh = {
        kinds.KIND_ADDED: (f"{field} is added", f"新增 {field}"),
        kinds.KIND_REMOVED: (f"{field} is removed", f"删除 {field}"),
        kinds.KIND_CHANGED: (f"{field} changes from {before} to {after}", f"{field} 由 {before} 改为 {after}"),
    }[kind]
    if kind == kinds.KIND_ADDED and not isinstance(new, Mapping):
        en, zh = f"{field} becomes {after}", f"{field} 设为 {after}"
    return pb.SystemChange(
        kind=kind,
        field=field,
        before=before,
        after=after,
        effect=effect,
        text=text(Text(f"{en}: {consequence.en}.", f"{zh}：影响{consequence.zh}。")),
    )


def summary_of(changes: Sequence[pb.SystemChange]) -> Text:
    """What activation would do."""
    if not changes:
        return Text("The two are the same.", "二者相同。")
    effects = [one for one in EFFECT_WORDS if any(change.effect == one for change in changes)]
    en, zh = (", ".join(getattr(EFFECT_WORDS[one], language) for one in effects) for language in ("en", "zh"))
    count = len(changes)
    words = Text(f"{count} differences, with consequences for: {en}.", f"{count} 处差异，影响：{zh}。")
    if effects == [WORDS]:
        return words
    return Text(
        f"{words.en} Activation scores the whole history again, and revises signals.",
        f"{words.zh}启用后将重新评分全部历史，并修订信号。",
    )
