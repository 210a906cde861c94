"""The list of capabilities is whole, its counts are those of its table, and every module of the library has a user."""

from __future__ import annotations

import ast
import re
import tomllib
from collections import Counter
from pathlib import Path

import pytest

LIBRARY = "andon_quality"
STATES = {"works", "in part", "mathematics", "not yet"}
ROW = re.compile(r"^\| (\d+) \| [^|]+ \| ([a-z ]+) \|", re.MULTILINE)


@pytest.fixture(scope="module")
def rows(root):
    text = (root / "docs/reference/capabilities.toml").read_text(encoding="utf-8")
    return [row for section in tomllib.loads(text)["section"] for row in section["row"]]


def test_every_number_has_one_row(rows):
    assert sorted(row["number"] for row in rows) == [*range(1, 77), *range(81, 105)]


def test_the_counts_of_the_page_are_those_of_its_table(root):
    page = (root / "docs/reference/capabilities.md").read_text(encoding="utf-8")
    states = Counter(state for _, state in ROW.findall(page))
    sentence = page[page.index("Of ") :].partition("\n\n")[0]
    stated = [int(number) for number in re.findall(r"\d+", sentence)]
    assert states.keys() == STATES
    assert stated == [states.total(), *(states[name] for name in ("works", "in part", "mathematics", "not yet"))]


def test_a_row_names_what_its_state_needs(rows):
    """What is usable has an RPC, a file and a test; mathematics has a module and a test; the rest claims nothing."""
    needs = {"works": {"rpc", "tests"}, "in part": {"rpc", "tests"}, "mathematics": {"library", "tests"}}
    allowed = {"number", "name", "state", "rpc", "files", "library", "tests", "remark"}
    wrong = []
    for row in rows:
        claimed = row.keys() - {"number", "name", "state", "remark"}
        fits = needs[row["state"]] <= claimed if row["state"] in needs else not claimed
        has_file = row["state"] not in ("works", "in part") or claimed & {"files", "library"}
        # What nobody can call yet is not usable.
        quiet = row["state"] in ("works", "in part") or "rpc" not in row
        if not (row["state"] in STATES and row.keys() <= allowed and fits and has_file and quiet):
            wrong.append(row)
    assert wrong == []


def test_every_rpc_that_a_row_names_is_in_a_contract(root, rows):
    contracts = "\n".join(path.read_text(encoding="utf-8") for path in root.glob("protos/andon/*/v1/*.proto"))
    known = set(re.findall(r"^ +rpc (\w+)\(", contracts, re.MULTILINE))
    named = {name for row in rows for name in row.get("rpc", ()) if name != "all"}
    assert named
    assert named - known == set()


def test_every_module_of_the_library_is_served_or_belongs_to_a_capability(root, rows):
    modules = modules_of(root / "quality")
    users = [path for folder in ("services", "client/andon_client") for path in (root / folder).rglob("*.py")]
    served = reached(modules, {module for path in users for module in imported(path, modules)})
    claimed = {f"{LIBRARY}.{name}" for row in rows for name in row.get("library", ())}
    unknown = claimed - modules.keys()
    own = {name for name in modules if any(name == claim or name.startswith(f"{claim}.") for claim in claimed)} | served
    assert unknown == set()
    files = {name for name, path in modules.items() if path.name != "__init__.py"}
    assert len(files) > 130
    assert sorted(files - reached(modules, own)) == []


def modules_of(folder: Path) -> dict[str, Path]:
    """Dotted names of the library's modules and packages."""
    named = {}
    for path in (folder / LIBRARY).rglob("*.py"):
        parts = path.relative_to(folder).with_suffix("").parts
        named[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return named


def imported(path: Path, modules: dict[str, Path]) -> set[str]:
    """The modules that a file takes names from, also where a package hands them on."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.partition(".")[0] == LIBRARY:
            found |= {home(node.module, alias.name, modules) for alias in node.names}
    return found


def home(module: str, name: str, modules: dict[str, Path]) -> str:
    """Where `from module import name` finds it."""
    inner = f"{module}.{name}"
    if inner in modules:
        return inner
    if module == LIBRARY or modules[module].name != "__init__.py":
        return module
    for node in ast.walk(ast.parse(modules[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                if (alias.asname or alias.name) == name:
                    return home(node.module, alias.name, modules)
    return module


def reached(modules: dict[str, Path], starts: set[str]) -> set[str]:
    """The modules that these use, and theirs. A package that is used as a whole hands on no more than is named."""
    seen: set[str] = set()
    ahead = list(starts)
    while ahead:
        module = ahead.pop()
        if module not in seen and module in modules:
            seen.add(module)
            if modules[module].name != "__init__.py":
                ahead += imported(modules[module], modules)
    return seen
