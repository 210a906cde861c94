"""The page of every field of the system document: types and meaning from the contract, the rest from a table."""

from __future__ import annotations

import re
import tomllib
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from andon.scoring.v1.indicator_system_pb2 import IndicatorSystemSpec
from andon_client.document_check import short_names
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor

from services.scoring.system import lint_sizes

HERE = Path(__file__).parent
PROTOS = HERE.parents[1] / "protos"
_PACKAGE = re.compile(r"^andon\.\w+\.v1\.")
_OPENS = re.compile(r"^(?:message|enum|oneof) (\w+) \{")
_MEMBER = re.compile(r"^(?:repeated |optional )?(?:[\w.]+ )?(\w+) = \d+;")
_SCALARS: Mapping[int, str] = {
    FieldDescriptor.CPPTYPE_STRING: "text",
    FieldDescriptor.CPPTYPE_BOOL: "true or false",
    FieldDescriptor.CPPTYPE_INT32: "whole number",
    FieldDescriptor.CPPTYPE_INT64: "whole number",
    FieldDescriptor.CPPTYPE_DOUBLE: "number",
}
_WELL_KNOWN = {"google.protobuf.Duration": "length", "google.protobuf.Timestamp": "date or time"}


@dataclass(frozen=True)
class Field:
    """A field as a person writes it. path: of its message in the document, such as ("measures", 0, "duration")."""

    path: tuple[str | int, ...]
    described: FieldDescriptor
    default: str | None
    limits: str
    most: int | None
    chars: int | None
    range: tuple[float, float] | None
    example: str

    @property
    def is_required(self) -> bool:
        return self.default is None


def lead() -> str:
    return (
        "Every field that an [indicator system](indicator-system.md) may have, as it is written in YAML. Lengths are\n"
        "written `90min`, `12h`, `14d` or `6w`; choices in short form (`lower_is_better`). Of fields that are marked\n"
        "*one of* a message has one. What is marked *needed* has no default. A number or list beyond its limits is\n"
        "refused with its field; all texts are printable."
    )


def sections() -> Iterator[str]:
    """One per message, in the order in which a reader meets them, then the choices."""
    known: list[EnumDescriptor] = []
    for message, fields in by_message().items():
        where = "".join("[]" if isinstance(part, int) else f".{part}" for part in fields[0].path).lstrip(".")
        title = _name(message)
        rows = []
        for field in fields:
            kind = field.described.enum_type
            if kind is not None and kind not in known:
                known.append(kind)
            rows.append(_row(field))
        at = f"At `{where}`, and wherever one is asked for." if where else "The document itself."
        head = ("key", "type", "default", "limits", "meaning", "example")
        yield f"## {title}\n\n{at} {_comment(message)}".rstrip() + "\n\n" + _table(head, rows)
    yield "## Choices\n\n" + "\n\n".join(_choice(enum) for enum in known)


def by_message() -> Mapping[Descriptor, Sequence[Field]]:
    """Every message that the document can hold, with its fields; refuses to go on where one is not written down."""
    written = tomllib.loads((HERE / "system-document.toml").read_text(encoding="utf-8"))
    found: dict[Descriptor, list[Field]] = {}
    waiting = deque([(IndicatorSystemSpec.DESCRIPTOR, ())])
    while waiting:
        message, path = waiting.popleft()
        if message in found:
            continue
        rows = written.pop(_name(message), {})
        found[message] = [_field(path, one, rows.pop(one.name, None)) for one in message.fields]
        if rows:
            raise SystemExit(f"system-document.toml: {_name(message)} has no {', '.join(rows)}")
        for one in message.fields:
            kind = one.message_type
            if kind is not None and kind.full_name not in _WELL_KNOWN:
                waiting.append((kind, (*path, one.name, 0) if one.is_repeated else (*path, one.name)))
    if written:
        raise SystemExit(f"system-document.toml: the document has no {', '.join(written)}")
    return found


def _field(path: tuple[str | int, ...], described: FieldDescriptor, row: Mapping[str, Any] | None) -> Field:
    if row is None:
        raise SystemExit(f"system-document.toml: {described.full_name} is missing")
    most, chars = (None if key not in row else int(_number(row[key])) for key in ("most", "chars"))
    low_high = tuple(_number(one) for one in row["range"]) if "range" in row else None
    words = row.get("limits", "").format(**vars(lint_sizes))
    limits = [
        *([f"at most {most:,} entries"] if most is not None else []),
        *([f"{'each ' if described.is_repeated else ''}at most {chars:,} characters"] if chars is not None else []),
        *([" to ".join(map(_shown, low_high))] if low_high is not None else []),
        *([words] if words else []),
    ]
    span = None if low_high is None else (low_high[0], low_high[1])
    return Field(path, described, row.get("default"), "; ".join(limits), most, chars, span, row["example"])


def _number(given: str | int | float) -> float:
    """A number, or the name of one in lint_sizes, with a sign."""
    if not isinstance(given, str):
        return given
    value: float = getattr(lint_sizes, given.removeprefix("-"))
    return -value if given.startswith("-") else value


def _shown(number: float) -> str:
    return f"{number:,.0f}" if number == int(number) and abs(number) < 1e9 else f"{number:g}".replace("e+", "e")


def _row(field: Field) -> Sequence[str]:
    described = field.described
    group = described.containing_oneof
    meaning = _comment(described)
    if not meaning:
        raise SystemExit(f"{described.full_name} has no comment in its contract")
    # `optional` makes a group of one.
    one_of = "*One of.* " if group is not None and len(group.fields) > 1 else ""
    default = "*needed*" if field.default is None else field.default
    return f"`{described.name}`", _type(described), default, field.limits, one_of + meaning, f"`{field.example}`"


def _type(described: FieldDescriptor) -> str:
    if described.message_type is not None:
        full_name = described.message_type.full_name
        name = _name(described.message_type)
        one = _WELL_KNOWN.get(full_name) or f"[{name}](#{_anchor(name)})"
    elif described.enum_type is not None:
        one = " / ".join(f"`{name}`" for name in short_names(described.enum_type))
    else:
        one = _SCALARS[described.cpp_type]
    return f"list of {one}" if described.is_repeated else one


def _choice(enum: EnumDescriptor) -> str:
    values = [value for value in enum.values if value.number]
    rows = [(f"`{short}`", _comment(value)) for short, value in zip(short_names(enum), values, strict=True)]
    return f"### {_name(enum)}\n\n{_comment(enum)}".rstrip() + "\n\n" + _table(("word", "meaning"), rows)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def _name(described: Descriptor | EnumDescriptor) -> str:
    """`Measure.Elapsed`."""
    return _PACKAGE.sub("", described.full_name)


def _anchor(title: str) -> str:
    return title.lower().replace(".", "")


def _comment(described: Any) -> str:
    file = described.file if hasattr(described, "file") else described.type.file
    if isinstance(described, (Descriptor, EnumDescriptor, FieldDescriptor)):
        name = _PACKAGE.sub("", described.full_name)
    else:
        name = f"{_name(described.type)}.{described.name}"
    return comments_of(PROTOS / file.name).get(name, "")


_COMMENTS: dict[Path, dict[str, str]] = {}


def comments_of(proto: Path) -> dict[str, str]:
    """What is written above each message, field, choice and its values, by name without the package."""
    if proto not in _COMMENTS:
        _COMMENTS[proto] = dict(_commented(proto.read_text(encoding="utf-8")))
    return _COMMENTS[proto]


def _commented(source: str) -> Iterator[tuple[str, str]]:
    inside: list[str | None] = []
    above: list[str] = []
    for line in map(str.strip, source.splitlines()):
        if line.startswith("//"):
            above += [text] if (text := line.removeprefix("//").strip()) else []
            continue
        if opened := _OPENS.match(line):
            # A oneof gives its fields no name of its own.
            inside.append(None if line.startswith("oneof") else opened[1])
            yield ".".join(name for name in inside if name), " ".join(above)
        elif member := _MEMBER.match(line):
            yield ".".join([*(name for name in inside if name), member[1]]), " ".join(above)
        elif line == "}":
            inside.pop()
        above = []
