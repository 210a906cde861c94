"""A mapping: how the columns of a table become events, written in YAML and checked key by key."""

from __future__ import annotations

import codecs
import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast, get_args

from andon_records.mapping.numbers import DecimalMark
from andon_records.mapping.paths import MalformedPath, compiled
from andon_records.mapping.time_formats import ISO, WORDS, NoDate, TimeFormat, UnknownFormat, time_format
from andon_records.mapping.time_zones import alike, is_zone, offset_min
from andon_records.messages import MalformedMapping, Message, message
from andon_records.yaml_text import read_yaml

AttributeType = Literal["text", "number", "integer", "flag", "time"]
ObjectKind = Literal["process", "person", "facility", "environment", "outcome"]
# The number of the record in the file, from 1 below the header, where no column has this name.
ROW = "row"
# In an id: the number of the record among those that are equal in the rest of the id, from 1.
ORDINAL = "ordinal"
COUNTED = (ROW, ORDINAL)
# The number of the row among those that one record unfolds into, from 1, where no column has this name.
ITEM = "item"
ATTRIBUTES_MAX = 100
UNFOLD_MAX, FIELDS_MAX, KNOWN_KEYS_MAX = 5, 200, 300
LIFECYCLE, INSTANCE = "lifecycle:transition", "concept:instance"

PLACE = re.compile(r"\{([^{}]+)\}")
_SOURCE = re.compile(r"[a-z0-9._-]{1,64}", re.ASCII)
NAME = re.compile(r"[A-Za-z0-9_.:-]{1,64}", re.ASCII)
_TRUE, _FALSE = ("true", "yes", "on"), ("false", "no", "off")


@dataclass(frozen=True)
class Column:
    """Where a value comes from. `template` names columns in braces, as in "{number}/{revision}", or is a mere text."""

    template: str
    replace: Mapping[str, str] = field(default_factory=dict)

    @property
    def columns(self) -> list[str]:
        return PLACE.findall(self.template)


@dataclass(frozen=True)
class Attribute:
    name: str
    column: Column
    type: AttributeType = "text"


@dataclass(frozen=True)
class PrivacyRule:
    """What admission does with a field. `band` and `leading_characters`: of generalise; 0: the server's default."""

    field: str
    treatment: str
    band: float = 0.0
    leading_characters: int = 0


@dataclass(frozen=True)
class CsvMapping:
    """How records of one source become events, from a file or as JSON. `unknown` values count as absent everywhere.

    delimiter, encoding and header_row are guessed where they are None; quote is None where quotes are ordinary text.
    supersedes, retracts: the id of the event that a row corrects or takes back. omit_rows: by column, values of rows
    that are no events, such as totals.
    start_time: each row is one piece of work and becomes two events, its start and its completion at `time`.
    sheet: of a workbook; None: the first that has the columns. case_object: of an object-centric log, the type of
    objects whose events are a case. source_of, object_kind_of: columns that say it event by event.
    unfold: of JSON, by name in order, a path to items that are rows of their own; a later path sees the names before.
    fields: of JSON, by name of a column, the path to its value; other columns are keys of the record.
    known_keys: of JSON, all that a record may have; empty: any.
    """

    source: str
    id: Column
    case_id: Column
    activity: Column
    time: Column
    resource: Column | None = None
    start_time: Column | None = None
    lifecycle: Column | None = None
    supersedes: Column | None = None
    retracts: Column | None = None
    object_kind: ObjectKind = "process"
    source_of: Column | None = None
    object_kind_of: Column | None = None
    attributes: Sequence[Attribute] = ()
    unfold: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)
    known_keys: Sequence[str] = ()
    unknown: Sequence[str] = ()
    omit_rows: Mapping[str, Sequence[str]] = field(default_factory=dict)
    time_formats: Sequence[TimeFormat] = (time_format(ISO),)
    time_zone: str = "UTC"
    decimal: DecimalMark | None = None
    delimiter: str | None = None
    encoding: str | None = None
    quote: str | None = '"'
    multiline_values: bool = False
    header_row: int | None = None
    column_names: Sequence[str] = ()
    sheet: str | None = None
    case_object: str | None = None
    privacy: Sequence[PrivacyRule] = ()
    subject: str = ""

    def uses(self) -> list[tuple[str, Column]]:
        """Each key that reads a column, and from where."""
        named = [(key, getattr(self, key)) for key in (*COLUMN_KEYS, "source_of", "object_kind_of")]
        pairs = [*named, *((f"attributes.{attribute.name}", attribute.column) for attribute in self.attributes)]
        omitted = [("omit_rows", Column(f"{{{name}}}")) for name in self.omit_rows]
        return [*((key, column) for key, column in pairs if column is not None), *omitted]

    def columns(self) -> list[str]:
        """Every name that is read, in order, once; of those in COUNTED, no column needs to exist."""
        return list(dict.fromkeys(name for _, column in self.uses() for name in column.columns))


TREATMENTS = ("drop", "mask", "pseudonymise", "generalise", "keep", "encrypt", "scan")
REQUIRED_KEYS = ("source", "id", "case_id", "activity", "time")
COLUMN_KEYS = ("id", "case_id", "activity", "time", "start_time", "lifecycle", "resource", "supersedes", "retracts")
KEYS_OF_A_COLUMN = ("column", "replace", "text")
KEYS_OF_AN_ATTRIBUTE = (*KEYS_OF_A_COLUMN, "type")


def load_mapping(path: Path) -> CsvMapping:
    """Raises MalformedMapping with the path of the file and of the key at fault."""
    try:
        return parse_mapping(read_yaml(path))
    except MalformedMapping as error:
        raise MalformedMapping(message("at_key", path=str(path), what=error.what)) from error


def parse_mapping(content: Any) -> CsvMapping:
    """`content` as YAML gives it, with texts or typed values; raises MalformedMapping with the key at fault."""
    if not isinstance(content, dict):
        raise MalformedMapping(message("mapping_expected"))
    _only("", content, KEYS)
    if missing := [key for key in REQUIRED_KEYS if content.get(key) in (None, "")]:
        raise MalformedMapping(message("missing_keys", keys=", ".join(missing)))
    values: dict[str, Any] = {}
    for key, given in content.items():
        values[key] = _READERS[key](key, given)
    if "header_row" in values and values.get("column_names"):
        _refuse("column_names", message("both_headers"))
    mapping = CsvMapping(**values)
    known = [attribute.name for attribute in mapping.attributes]
    _refuse_contradictions(mapping, known)
    fields = ["resource", "case_id", "activity", *(f"attributes.{name}" for name in known)]
    for key, name in (*((f"privacy.{one.field}", one.field) for one in mapping.privacy), ("subject", mapping.subject)):
        if name and name not in fields:
            _refuse(key, message("privacy_unknown", found=f'"{name}"', known=", ".join(fields)))
    return mapping


def checked(path: str, key: str, given: Any) -> Any:
    """A value as the key of a mapping takes it; raises MalformedMapping that names `path`."""
    return _READERS[key](path, given)


def _refuse_contradictions(mapping: CsvMapping, attributes: Sequence[str]) -> None:
    """What is made by one key cannot be made by another too."""
    made = {LIFECYCLE: mapping.lifecycle or mapping.start_time, INSTANCE: mapping.start_time}
    if mapping.lifecycle is not None and mapping.start_time is not None:
        _refuse("lifecycle", message("both_lifecycles"))
    for key, column in mapping.uses():
        if ORDINAL in column.columns and key != "id":
            _refuse(key, message("ordinal_elsewhere"))
    if mapping.id.columns == [ORDINAL]:
        _refuse("id", message("ordinal_alone"))
    for name in attributes:
        if made.get(name) is not None:
            key = "lifecycle" if mapping.lifecycle is not None else "start_time"
            _refuse(f"attributes.{name}", message("made_already", by=key))


def check_for_records(mapping: CsvMapping) -> None:
    """Raises MalformedMapping where the mapping needs a file: a record that is sent again has no number of its own."""
    for key, column in mapping.uses():
        for name in column.columns:
            if name in COUNTED and name not in mapping.fields:
                _refuse(key, message("counted_in_a_file", name=name))


def _refuse(path: str, what: Message) -> Any:
    raise MalformedMapping(message("at_key", path=path, what=what) if path else what)


def _only(path: str, given: Mapping[str, Any], known: Sequence[str]) -> None:
    if unknown := sorted(str(key) for key in given if key not in known):
        close = [match for key in unknown for match in difflib.get_close_matches(key, known, n=1)]
        hint = message("hint_means", names=", ".join(close)) if close else message("no_hint")
        _refuse(path, message("unknown_keys", keys=", ".join(unknown), hint=hint, known=", ".join(sorted(known))))


def _found(given: Any) -> str:
    """What was written, for a message."""
    if given is None or given == "":
        return '""'
    if isinstance(given, str):
        return f'"{given}"'
    shown = str(given).lower() if isinstance(given, bool) else str(given)
    return shown if len(shown) <= 60 else f"{shown[:60]}..."


def _text(path: str, given: Any) -> str:
    """A scalar as it was written."""
    if given is None or given == "" or isinstance(given, (list, dict, bool)):
        _refuse(path, message("text_expected", found=_found(given)))
    return str(given)


def _texts(path: str, given: Any, example: str = "a, b") -> list[str]:
    if not isinstance(given, list):
        _refuse(path, message("texts_expected", example=example, found=_found(given)))
    return [_text(f"{path}[{place}]", one) for place, one in enumerate(given)]


def _keys(path: str, given: Any) -> list[str]:
    written = _texts(path, given, "id, time, case_id")
    if len(written) > KNOWN_KEYS_MAX:
        _refuse(path, message("too_many", count=len(written), most=KNOWN_KEYS_MAX))
    return written


def _flag(path: str, given: Any) -> bool:
    written = str(given).lower()
    if written not in (*_TRUE, *_FALSE):
        _refuse(path, message("flag_expected", found=_found(given)))
    return written in _TRUE


def _choice(path: str, given: Any, choices: Sequence[str]) -> str:
    written = _text(path, given)
    if written not in choices:
        _refuse(path, message("choice_expected", found=_found(given), choices=", ".join(choices)))
    return written


def _source(path: str, given: Any) -> str:
    written = _text(path, given)
    if not _SOURCE.fullmatch(written):
        what = message("name_invalid", found=_found(given), allowed="[a-z0-9._-]", hint=message("no_hint"))
        _refuse(path, what)
    return written


def _formats(path: str, given: Any) -> list[TimeFormat]:
    formats = []
    for place, written in enumerate(_texts(path, given, '"%d/%m/%Y %H:%M"')):
        try:
            formats.append(time_format(written))
        except UnknownFormat as error:
            places = {"found": _found(written), "part": error.part, "words": ", ".join(WORDS)}
            _refuse(f"{path}[{place}]", message("format_unknown", **places))
        except NoDate:
            if "%" not in written:
                what = message("format_unknown", found=_found(written), part=_found(written), words=", ".join(WORDS))
            else:
                what = message("format_incomplete", found=_found(written))
            _refuse(f"{path}[{place}]", what)
    if not formats:
        _refuse(path, message("texts_expected", example="iso", found="[]"))
    return formats


def _zone(path: str, given: Any) -> str:
    written = _text(path, given)
    if not is_zone(written):
        if offset_min(written) is not None:
            # Half of the year the clocks that are meant differ from it.
            _refuse(path, message("zone_abbreviated", found=_found(given)))
        close = alike(written)
        hint = message("hint_means", names=", ".join(close)) if close else message("no_hint")
        _refuse(path, message("zone_unknown", found=_found(given), hint=hint))
    return written


def _decimal(path: str, given: Any) -> DecimalMark:
    return cast(DecimalMark, _choice(path, given, get_args(DecimalMark)))


def _one_character(path: str, given: Any) -> str:
    written = {"tab": "\t", "\\t": "\t"}.get(str(given), str(given))
    if len(written) != 1 or not written.isascii() or written in '"\r\n' or written.isalnum():
        _refuse(path, message("delimiter_invalid", found=_found(given)))
    return written


def _quote(path: str, given: Any) -> str | None:
    if given is None or str(given).lower() in ("none", "null"):
        return None
    return _choice(path, given, ('"', "'"))


def _encoding(path: str, given: Any) -> str:
    written = _text(path, given)
    try:
        codecs.lookup(written)
        "".encode(written)
    except (LookupError, ValueError):
        _refuse(path, message("encoding_unknown", found=_found(given)))
    return written


def _line(path: str, given: Any) -> int:
    if isinstance(given, bool) or not re.fullmatch(r"[0-9]{1,6}", str(given)) or int(given) < 1:
        _refuse(path, message("number_expected", least=1, found=_found(given)))
    return int(given)


def _attributes(path: str, given: Any) -> list[Attribute]:
    example = "{priority: text, cost: number}"
    if given is None or given == "":
        return []
    if not isinstance(given, dict):
        _refuse(path, message("pairs_expected", example=example, found=_found(given)))
    if len(given) > ATTRIBUTES_MAX:
        _refuse(path, message("too_many", count=len(given), most=ATTRIBUTES_MAX))
    return [_attribute(f"{path}.{name}", str(name), one) for name, one in given.items()]


def _attribute(path: str, name: str, given: Any) -> Attribute:
    """`made_sla: flag` (a type; the column has the same name), or `{column: ..., type: ..., replace: ...}`."""
    if not NAME.fullmatch(name):
        plain = re.sub(r"[^A-Za-z0-9_.:-]+", "_", name).strip("_") or "name"
        hint = message("hint_column", name=plain, column=name)
        _refuse(path, message("name_invalid", found=_found(name), allowed="[A-Za-z0-9_.:-]", hint=hint))
    if given is None or given == "":
        given = {}
    if not isinstance(given, dict):
        given = {"type": given}
    _only(path, given, KEYS_OF_AN_ATTRIBUTE)
    kind = given.get("type", "text")
    if kind not in get_args(AttributeType):
        choices = ", ".join(get_args(AttributeType))
        _refuse(f"{path}.type", message("choice_expected", found=_found(kind), choices=choices))
    column = {key: value for key, value in given.items() if key != "type"}
    if "text" not in column:
        column.setdefault("column", name)
    return Attribute(name, _column(path, column), kind)


def _column(path: str, given: Any) -> Column:
    """`number`, `"{number}/{row}"`, `{column: state, replace: {"-100": Unknown}}`, or `{text: Visit}`."""
    if not isinstance(given, dict):
        return Column(_template(path, given))
    _only(path, given, KEYS_OF_A_COLUMN)
    if "text" in given:
        if len(given) > 1:
            _refuse(path, message("text_alone"))
        return Column(_text(f"{path}.text", given["text"]).replace("{", "").replace("}", ""))
    replace = given.get("replace", {})
    if not isinstance(replace, dict):
        _refuse(f"{path}.replace", message("pairs_expected", example="{old: new}", found=_found(replace)))
    pairs = {str(old): "" if new in (None, "") else _text(f"{path}.replace.{old}", new) for old, new in replace.items()}
    key = path.rsplit(".", 1)[-1]
    return Column(_template(f"{path}.column" if "column" in given else path, given.get("column", key)), pairs)


def _template(path: str, given: Any) -> str:
    if given is None or given == "" or isinstance(given, (list, dict, bool)):
        _refuse(path, message("column_expected"))
    return str(given) if PLACE.search(str(given)) else f"{{{given}}}"


def _omitted(path: str, given: Any) -> dict[str, list[str]]:
    """`{step: [Total, ""]}`: of these columns, values that only rows have which are no events."""
    if not isinstance(given, dict):
        _refuse(path, message("pairs_expected", example="{step: [Total]}", found=_found(given)))
    rules: dict[str, list[str]] = {}
    for name, values in given.items():
        if not isinstance(values, list) or not values:
            _refuse(f"{path}.{name}", message("texts_expected", example="Total", found=_found(values)))
        rules[str(name)] = [
            "" if one in (None, "") else _text(f"{path}.{name}[{place}]", one).strip()
            for place, one in enumerate(values)
        ]
    return rules


def _paths(most: int) -> Any:
    """`{audit: audits, change: "audit.events[?type=='Change']"}`: names and JMESPath expressions."""

    def read(path: str, given: Any) -> dict[str, str]:
        if not isinstance(given, dict):
            _refuse(path, message("pairs_expected", example="{assignee: fields.assignee.name}", found=_found(given)))
        if len(given) > most:
            _refuse(path, message("too_many", count=len(given), most=most))
        return {str(name): _path(f"{path}.{name}", expression) for name, expression in given.items()}

    return read


def _path(path: str, given: Any) -> str:
    written = _text(path, given)
    try:
        compiled(written)
    except MalformedPath as error:
        _refuse(path, message("path_malformed", found=_found(given), problem=error.problem))
    return written


def _privacy(path: str, given: Any) -> list[PrivacyRule]:
    if not isinstance(given, dict):
        _refuse(path, message("pairs_expected", example="{resource: keep}", found=_found(given)))
    return [_rule(f"{path}.{field}", str(field), one) for field, one in given.items()]


def _rule(path: str, field: str, given: Any) -> PrivacyRule:
    if not isinstance(given, dict):
        return PrivacyRule(field, _choice(path, given, TREATMENTS))
    _only(path, given, ("treatment", "band", "leading_characters"))
    band = str(given.get("band", "0"))
    if not re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,12})?", band):
        _refuse(f"{path}.band", message("number_expected", least=0, found=_found(given["band"])))
    characters = (
        _line(f"{path}.leading_characters", given["leading_characters"]) if "leading_characters" in given else 0
    )
    return PrivacyRule(field, _choice(f"{path}.treatment", given.get("treatment"), TREATMENTS), float(band), characters)


_READERS: Mapping[str, Any] = {
    "source": _source,
    **dict.fromkeys(COLUMN_KEYS, _column),
    "object_kind": lambda path, given: _choice(path, given, get_args(ObjectKind)),
    "attributes": _attributes,
    "unfold": _paths(UNFOLD_MAX),
    "fields": _paths(FIELDS_MAX),
    "known_keys": _keys,
    "unknown": _texts,
    "omit_rows": _omitted,
    "time_formats": _formats,
    "time_zone": _zone,
    "decimal": _decimal,
    "delimiter": _one_character,
    "encoding": _encoding,
    "quote": _quote,
    "multiline_values": _flag,
    "header_row": _line,
    "column_names": _texts,
    "sheet": _text,
    "case_object": _text,
    "privacy": _privacy,
    "subject": _text,
}
KEYS = tuple(_READERS)
