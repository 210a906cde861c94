"""Where the tests do not mirror the tree: `python tests/project/mirror.py`.

A test file has a counterpart if a module or a package of its name, without `test_`, is at the same place of the code
that it tests. A module that no test file imports, from whatever place, is tested through its callers at best.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Where the code of each folder of tests is.
CODE = {
    "services": "services",
    "quality": "quality/andon_quality",
    "client": "client/andon_client",
    "records": "records/andon_records",
    "demo": "demo",
}
IMPORTED_FROM = {
    "quality/andon_quality": "quality",
    "client/andon_client": "client",
    "records/andon_records": "records",
}


def without_counterpart(root: Path = ROOT) -> list[str]:
    """Test files, by path."""
    found = []
    for tests, code in CODE.items():
        for path in sorted((root / "tests" / tests).rglob("test_*.py")):
            place = root / code / path.relative_to(root / "tests" / tests).parent / path.stem.removeprefix("test_")
            if not place.with_suffix(".py").exists() and not (place / "__init__.py").exists():
                found.append(str(path.relative_to(root)))
    return found


def imported_by_no_test(root: Path = ROOT) -> list[str]:
    """Modules with functions or classes of their own, by path."""
    imported = {name for path in (root / "tests").rglob("*.py") for name in _imported(path)}
    found = []
    for code in CODE.values():
        base = root / IMPORTED_FROM.get(code, "")
        for path in sorted((root / code).rglob("*.py")):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            if not any(isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) for node in tree.body):
                continue
            parts = path.relative_to(base).with_suffix("").parts
            if ".".join(part for part in parts if part != "__init__") not in imported:
                found.append(str(path.relative_to(root)))
    return found


def _imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def main() -> None:
    for title, found in (
        ("test files without a counterpart", without_counterpart()),
        ("modules that no test imports", imported_by_no_test()),
    ):
        print(f"{title}: {len(found)}")
        print("".join(f"  {path}\n" for path in found), end="")


if __name__ == "__main__":
    main()
