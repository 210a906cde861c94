"""What a check of a document finds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum

from services.scoring.system.case_model import Text

NAME = re.compile(r"[a-z0-9_]{1,64}\Z")


class Severity(Enum):
    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True)
class Finding:
    """field: path in the document, such as "indicators[2].measure"."""

    severity: Severity
    field: str
    check: str
    message: Text


def error(field: str, check: str, en: str, zh: str) -> Finding:
    return Finding(Severity.ERROR, field, check, Text(en, zh))


def warning(field: str, check: str, en: str, zh: str) -> Finding:
    return Finding(Severity.WARNING, field, check, Text(en, zh))


def names(collection: str, given: Iterable[str]) -> Iterator[Finding]:
    """Every name is well formed and stands once."""
    seen: set[str] = set()
    for place, name in enumerate(given):
        field = f"{collection}[{place}].name"
        if not NAME.match(name):
            yield error(
                field, "name_malformed", "a name is 1 to 64 of a-z, 0-9 and _", "名称须为 1 至 64 个 a-z、0-9 或 _"
            )
        if name in seen:
            yield error(field, "name_twice", f"{name} is not unique", f"{name} 重复")
        seen.add(name)


def titles(collection: str, given: Iterable[tuple[str, Text]]) -> Iterator[Finding]:
    for place, (name, title) in enumerate(given):
        if not (title.en and title.zh):
            yield warning(
                f"{collection}[{place}].title",
                "title_missing",
                f"{name} lacks a title in en or zh",
                f"{name} 缺少中文或英文标题",
            )
