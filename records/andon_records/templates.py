"""Shipped mappings: each of what one product exports, with a small invented sample in the same form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from andon_records.yaml_text import read_yaml

FOLDER = Path(__file__).parent / "shipped"


@dataclass(frozen=True)
class Template:
    """title: by language, what its records are and where the product gives them."""

    name: str
    title: Mapping[str, str]

    @property
    def mapping(self) -> Path:
        return FOLDER / f"{self.name}.yaml"

    @property
    def sample(self) -> Path:
        return FOLDER / f"{self.name}.jsonl"


def templates() -> list[Template]:
    """By name."""
    return [Template(name, title) for name, title in sorted(read_yaml(FOLDER / "titles.yaml").items())]
