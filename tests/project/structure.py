"""Parts, levels and circles of every service, read from its imports: `python tests/project/structure.py [service ...]`.

A part is a package or a module directly below the service. A part's level is one more than the highest level that it
imports from; a part that imports no other one has level 1. A circle is a set of parts, or of modules anywhere in the
service, that import each other. Imports for type checking and those inside functions count like all others.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
Graph = Mapping[str, frozenset[str]]


@dataclass(frozen=True)
class Structure:
    """`modules`: each module of a service with those of the same service that it imports."""

    service: str
    modules: Graph

    def part_of(self, module: str) -> str:
        return module.removeprefix(f"services.{self.service}").lstrip(".").partition(".")[0]

    @cached_property
    def parts(self) -> Graph:
        """Each part with the others that it imports. The service's own `__init__` is none."""
        found: dict[str, set[str]] = {self.part_of(module): set() for module in self.modules if self.part_of(module)}
        for module, imported in self.modules.items():
            part = self.part_of(module)
            if part:
                found[part] |= {self.part_of(one) for one in imported} - {part, ""}
        return {part: frozenset(needed) for part, needed in sorted(found.items())}

    @cached_property
    def levels(self) -> Mapping[str, int]:
        """Parts that import each other share a level."""
        level: dict[str, int] = {}
        for together in components(self.parts):
            below = {one for part in together for one in self.parts[part]} - together
            level |= dict.fromkeys(together, 1 + max((level[one] for one in below), default=0))
        return level

    @cached_property
    def circles(self) -> list[list[str]]:
        """Of parts first, then of modules."""
        return [
            sorted(together)
            for graph in (self.parts, self.modules)
            for together in components(graph)
            if len(together) > 1
        ]


def components(graph: Graph) -> list[frozenset[str]]:
    """Strongly connected components, what is imported before what imports it (Tarjan 1972)."""
    order: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    found: list[frozenset[str]] = []

    def visit(node: str) -> None:
        order[node] = lowest[node] = len(order)
        stack.append(node)
        for other in sorted(graph[node]):
            if other not in order:
                visit(other)
            if other in stack:
                lowest[node] = min(lowest[node], lowest[other])
        if lowest[node] == order[node]:
            place = stack.index(node)
            found.append(frozenset(stack[place:]))
            del stack[place:]

    for node in sorted(graph):
        if node not in order:
            visit(node)
    return found


def structure_of(service: str, root: Path = ROOT) -> Structure:
    folder = root / "services" / service
    trees = {_module(path, root): ast.parse(path.read_text(encoding="utf-8")) for path in sorted(folder.rglob("*.py"))}
    return Structure(service, {module: frozenset(_imported(tree, trees)) - {module} for module, tree in trees.items()})


def services(root: Path = ROOT) -> list[str]:
    """A folder of services/ that is deployed has settings of its own."""
    return sorted(
        path.parent.name for path in (root / "services").glob("*/settings.py") if path.parent.name != "runtime"
    )


def _module(path: Path, root: Path) -> str:
    return ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")


def _imported(tree: ast.Module, known: Iterable[str]) -> set[str]:
    modules = set(known)
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            inner = {f"{node.module}.{alias.name}" for alias in node.names} & modules
            found |= inner or {node.module}
    return found & modules


def shown(structure: Structure) -> str:
    levels, parts = structure.levels, structure.parts
    dependencies = sum(map(len, parts.values()))
    highest = max(levels.values(), default=0)
    lines = [f"{structure.service}: {len(parts)} parts, {highest} levels, {dependencies} dependencies between parts"]
    for level in range(highest, 0, -1):
        lines += [
            f"  {level}  {part:<14} {', '.join(sorted(parts[part]))}".rstrip()
            for part in parts
            if levels[part] == level
        ]
    lines += [f"  circle: {', '.join(circle)}" for circle in structure.circles] or ["  no circle"]
    return "\n".join(lines)


if __name__ == "__main__":
    print("\n\n".join(shown(structure_of(service)) for service in sys.argv[1:] or services()))
