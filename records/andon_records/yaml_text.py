"""YAML that people write, read strictly: a key is written once, and an error names its line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml


class MalformedDocument(ValueError):
    """The document does not fit its contract; says where."""


class StrictLoader(yaml.SafeLoader):
    """Refuses a key that is written twice: of the two one would be lost without a word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        _refuse_twins(node)
        return super().construct_mapping(node, deep)


class _Literal(yaml.BaseLoader):
    """The same, with every scalar as the text that was written: no is "no", 007 is "007"."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        _refuse_twins(node)
        return super().construct_mapping(node, deep)


def _refuse_twins(node: yaml.MappingNode) -> None:
    seen: set[str] = set()
    for key, _ in node.value:
        if isinstance(key, yaml.ScalarNode):
            if key.value in seen:
                raise yaml.MarkedYAMLError(problem=f'"{key.value}" is written twice', problem_mark=key.start_mark)
            seen.add(key.value)


def read_yaml(path: Path, literal: bool = True) -> Any:
    """What a YAML file says; `literal`: scalars as the texts that were written, for a reader with types of its own.

    Raises MalformedDocument: one line with the file and the line in it.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
        return yaml.load(text, _Literal if literal else StrictLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise MalformedDocument(f"{path}{place}: {error.problem or error.context}") from error
    except yaml.YAMLError as error:
        raise MalformedDocument(f"{path}: {' '.join(str(error).split())}") from error
    except UnicodeDecodeError as error:
        raise MalformedDocument(f"{path}: not UTF-8 text (byte {error.start}); save it as UTF-8") from error
