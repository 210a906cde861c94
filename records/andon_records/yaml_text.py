"""YAML that people write, read strictly: a key is written once, and an error names its line and what to write."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import yaml

from andon_records.messages import MalformedYaml, Message, message

T = TypeVar("T")


class StrictLoader(yaml.SafeLoader):
    """Refuses a key that is written twice: of the two one would be lost without a word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        _refuse_twins(node)
        return super().construct_mapping(node, deep)

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except (ValueError, OverflowError) as error:
            # A day such as 2026-13-01, or !!int of what is none.
            raise _Fault(message("yaml_value", found=node.value), node.start_mark) from error


class _Literal(yaml.BaseLoader):
    """The same, with every scalar as the text that was written: no is "no", 007 is "007"."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        _refuse_twins(node)
        return super().construct_mapping(node, deep)


class _Fault(yaml.MarkedYAMLError):
    """What is known of a fault already."""

    def __init__(self, what: Message, mark: yaml.Mark) -> None:
        super().__init__(problem=what.text(), problem_mark=mark)
        self.what = what


def _refuse_twins(node: yaml.MappingNode) -> None:
    seen: set[str] = set()
    for key, _ in node.value:
        if isinstance(key, yaml.ScalarNode):
            if key.value in seen:
                raise _Fault(message("yaml_twice", name=key.value), key.start_mark)
            seen.add(key.value)


def read_yaml(path: Path, literal: bool = True) -> Any:
    """What a YAML file says; `literal`: scalars as the texts that were written, for a reader with types of its own.

    Raises MalformedYaml: one line with the file, the line in it and what to write.
    """
    return _read(path, lambda text: yaml.load(text, _Literal if literal else StrictLoader))


def compose_yaml(path: Path) -> yaml.Node | None:
    """The nodes of a YAML file, which know where they are written; None of an empty one. Raises as `read_yaml`."""
    return _read(path, lambda text: yaml.compose(text, StrictLoader))


def _read(path: Path, read: Callable[[str], T]) -> T:
    try:
        return read(path.read_bytes().decode("utf-8-sig"))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = error.what if isinstance(error, _Fault) else _meaning(error)
        if mark is None:
            raise MalformedYaml(message("in_file", file=path, what=what)) from error
        place = {"file": path, "line": mark.line + 1, "column": mark.column + 1}
        raise MalformedYaml(message("at_column", **place, what=what)) from error
    except yaml.reader.ReaderError as error:
        # Typed as a text, given as a number.
        code = error.character if isinstance(error.character, int) else ord(error.character)
        what = message("yaml_control", code=f"U+{code:04X}")
        raise MalformedYaml(message("in_file", file=path, what=what)) from error
    except RecursionError as error:
        raise MalformedYaml(message("in_file", file=path, what=message("yaml_deep"))) from error
    except UnicodeDecodeError as error:
        raise MalformedYaml(message("in_file", file=path, what=message("not_utf8", byte=error.start))) from error


# What PyYAML says, what it means, and what of it fills which place.
_MEANINGS: tuple[tuple[str, str, str], ...] = (
    (r"found character '\\t' that", "yaml_tab", ""),
    (r"found character '(.)' that", "yaml_sign", "sign"),
    (r"found unexpected end of stream", "yaml_quote", ""),
    (r"mapping values are not allowed", "yaml_colon", ""),
    (r"could not find expected ':'", "yaml_no_colon", ""),
    (r"expected ',' or '[\]}]'", "yaml_bracket", ""),
    (r"expected the node content, but found '<stream end>'", "yaml_end", ""),
    (r"expected <block end>", "yaml_indent", ""),
    (r"found undefined alias '(.*)'", "yaml_alias", "name"),
    (r"could not determine a constructor for the tag '(.*)'", "yaml_tag", "tag"),
    (r"found unhashable key", "yaml_key", ""),
    (r"but found another document", "yaml_two", ""),
)


def _meaning(error: yaml.MarkedYAMLError) -> Message:
    problem = str(error.problem or error.context)
    begins = error.context_mark or error.problem_mark
    for pattern, key, place in _MEANINGS:
        if found := re.search(pattern, problem):
            places: dict[str, object] = {place: found[1]} if place else {}
            if begins is not None:
                places["begin"] = begins.line + 1
            return message(key, **places)
    return message("yaml_other")
