"""Private functions with one caller, per package: `python tests/project/private_functions.py [-v] [package ...]`.

A function with a leading underscore that is referred to once is a cut in what its caller does. It may be worth its
name, if that explains a decision; if it only forwards, or has a name because it was cut out, the reader jumps for
nothing. The share is of all functions and methods of the package; a reference is looked for by name in the module.
What a table or a keyword registers (an entry of a dict, list or tuple, `parser=_number`) is a handler: somebody else
calls it, so it is no cut. A cut of at most three lines has to say much with its name; those are counted by themselves.
"""

from __future__ import annotations

import argparse
import ast
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("services/*", "client/andon_client", "quality/andon_quality", "records/andon_records", "demo")
Function = ast.FunctionDef | ast.AsyncFunctionDef
SHORT_LINES = 3


@dataclass(frozen=True)
class Cut:
    """A private function with one caller."""

    file: str
    name: str
    lines: int


@dataclass(frozen=True)
class PackageCuts:
    package: str
    functions: int
    cuts: tuple[Cut, ...]

    @property
    def share(self) -> float:
        return len(self.cuts) / self.functions if self.functions else 0.0

    @property
    def short(self) -> int:
        return sum(cut.lines <= SHORT_LINES for cut in self.cuts)


def cuts_of(package: Path, root: Path = ROOT) -> PackageCuts:
    functions, cuts = 0, []
    for path in sorted(package.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        used = Counter(map(_name, ast.walk(tree)))
        handlers = set(map(_name, _registered(tree)))
        for node in ast.walk(tree):
            if not isinstance(node, Function):
                continue
            functions += 1
            private = node.name.startswith("_") and not node.name.endswith("__")
            if private and used[node.name] == 1 and node.name not in handlers:
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                cuts.append(Cut(str(path.relative_to(root)), node.name, lines))
    return PackageCuts(str(package.relative_to(root)), functions, tuple(cuts))


def packages(root: Path = ROOT) -> list[Path]:
    found = [path for pattern in PACKAGES for path in sorted(root.glob(pattern))]
    return [path for path in found if (path / "__init__.py").exists()]


def _name(node: ast.AST) -> str | None:
    """What it refers to, without the object that holds it; None: it is no reference."""
    match node:
        case ast.Name(name) | ast.Attribute(_, name):
            return name
    return None


def _registered(tree: ast.Module) -> Iterator[ast.AST]:
    for node in ast.walk(tree):
        match node:
            case ast.Dict(_, values):
                yield from values
            case ast.List(entries) | ast.Tuple(entries) | ast.Set(entries):
                yield from entries
            case ast.keyword(_, value):
                yield value


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("package", nargs="*", type=Path)
    parser.add_argument("-v", action="store_true", help="name each one")
    arguments = parser.parse_args()
    for package in [ROOT / one for one in arguments.package] or packages():
        found = cuts_of(package)
        counted = f"{len(found.cuts)} of {found.functions} functions, {found.short} of at most {SHORT_LINES} lines"
        print(f"{found.package:<24} {found.share:6.1%}  {counted}")
        if arguments.v:
            for cut in sorted(found.cuts, key=lambda cut: (cut.file, cut.lines)):
                print(f"  {cut.lines:4} lines  {cut.file}  {cut.name}")


if __name__ == "__main__":
    main()
