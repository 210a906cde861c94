"""The shape of a rule and of what it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from deploy.declared import Service
from deploy.objects import Objects

Services = Mapping[str, Service]
# What is wrong where: the object's title, and a sentence.
Found = Iterator[tuple[str, str]]
Rule = Callable[[Objects, Services], Found]


@dataclass(frozen=True)
class ManifestFinding:
    rule: str
    place: str
    message: str

    def __str__(self) -> str:
        return f"{self.place}: {self.message} [{self.rule}]"
