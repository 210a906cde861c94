"""Nothing is in a drawer: names say what is inside, modules have users, and nothing of a machine is kept."""

from __future__ import annotations

import ast
import importlib.metadata
import re
from collections import defaultdict
from pathlib import Path

from deploy.declared import suite

DRAWERS = {"utils", "util", "common", "helpers", "helper", "misc", "base", "stuff", "various"}
GENERATED = re.compile(r"_pb2(_grpc)?\.pyi?$")
# Where packages come from is a matter of the machine, and so is where a home folder lies.
PLACES = re.compile(
    rb"(?<![\w.$~-])/(?:home|root|Users|work|workspace|mnt|private/var)/[\w.-]+"
    rb"|https?://[\w.-]*(?:pypi\.org|pythonhosted\.org|/simple/)"
    rb"|--(?:extra-)?index-url|--trusted-host|--find-links"
)
TEXT = {".py", ".md", ".toml", ".txt", ".in", ".yaml", ".yml", ".proto", ".sql", ".cfg", ".json", ".j2", ""}


# Words of a convention outside of the house: what all contracts share, and what an overlay is laid over.
CONVENTIONS = {Path("protos/andon/common"), Path("deploy/kubernetes/base")}


def test_no_file_or_folder_has_a_name_that_says_nothing(root, tracked):
    places = {path.relative_to(root) for path in tracked}
    places |= {folder for path in places for folder in path.parents} - CONVENTIONS
    assert [str(place) for place in sorted(places) if place.stem.lower() in DRAWERS] == []


def test_every_python_file_begins_with_one_sentence(root, python_files):
    silent = []
    for path in python_files:
        first = (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").partition("\n")[0]
        if not first.endswith((".", ":", "!", "?")) or len(first) < 10:
            silent.append(f"{path.relative_to(root)}: {first!r}")
    assert silent == []


def test_generated_stubs_are_not_kept(tracked):
    assert [path.name for path in tracked if GENERATED.search(path.name)] == []


def test_no_file_names_a_place_of_one_machine_or_a_registry(root, tracked):
    this = Path(__file__)
    found = []
    for path in tracked:
        if path.suffix in TEXT and path != this:
            found += [f"{path.relative_to(root)}: {match.decode()}" for match in PLACES.findall(path.read_bytes())]
    assert found == []


def test_requirements_are_pinned_by_hash(root):
    for name in ("dev.txt", "run.txt", "build.txt", "bootstrap.txt"):
        text = (root / "requirements" / name).read_text(encoding="utf-8")
        packages = re.findall(r"^[a-z0-9][\w.\[\]-]*(?P<pin>==\S+)?.*$", text, re.MULTILINE | re.IGNORECASE)
        assert packages, name
        assert all(packages), f"{name} leaves a version open"
        blocks = re.split(r"^(?=[a-zA-Z0-9])", text, flags=re.MULTILINE)[1:]
        assert [block.split()[0] for block in blocks if "--hash=sha256:" not in block] == [], name


def test_every_module_of_the_runtime_serves_two_services(root):
    modules = {path.stem: path for path in (root / "services" / "runtime").glob("*.py") if path.stem != "__init__"}
    inside = {name: _imported(path) for name, path in modules.items()}
    users: dict[str, set[str]] = defaultdict(set)
    for main in root.glob("services/*/__main__.py"):
        reached: set[str] = set()
        waiting = {name for path in main.parent.rglob("*.py") for name in _imported(path)}
        while waiting:
            reached |= waiting
            waiting = {name for one in waiting for name in inside.get(one, ())} - reached
        for name in reached:
            users[name].add(main.parent.name)
    lonely = {name: sorted(users[name]) for name in modules if len(users[name]) < 2}
    assert lonely == {}, "a module that serves one service, or tests alone, belongs to the one who uses it"


def test_no_two_services_keep_the_same_file(root, python_files):
    seen = defaultdict(list)
    for path in python_files:
        body = path.read_text(encoding="utf-8").replace("from __future__ import annotations\n\n", "")
        if len(body) > 200:
            seen[body].append(str(path.relative_to(root)))
    assert [paths for paths in seen.values() if len(paths) > 1] == []


def _imported(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            parts = node.module.split(".")
            if parts[:2] == ["services", "runtime"]:
                found |= {parts[2]} if len(parts) > 2 else {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.name.split(".")[2] for alias in node.names if alias.name.startswith("services.runtime.")}
    return found


def _public_functions(root: Path):
    for path in sorted((root / "quality" / "andon_quality").rglob("*.py")):
        if path.name.startswith("_") and path.name != "__init__.py":
            continue
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                yield f"{path.relative_to(root / 'quality')}:{node.name}", ast.get_docstring(node) or ""


def test_every_public_function_of_the_mathematics_is_documented(root):
    assert [name for name, text in _public_functions(root) if not text] == []


def test_nearly_every_public_function_of_the_mathematics_shows_an_example(root):
    documented = dict(_public_functions(root))
    without = [name for name, text in documented.items() if ">>> " not in text]
    assert len(without) <= 0.1 * len(documented), f"{len(without)} of {len(documented)} show none: {without}"


def test_each_service_has_the_files_of_its_kind(root, service):
    """What its settings are for says what it has: a contract, a store, both or neither."""
    folder = root / "services" / service
    described = suite()[service]
    files, packages = ["__init__", "__main__", "settings", "metrics"], []
    if described.has_contract:
        files += ["access"]
        packages += [("wire",), ("servicer",)]
    if described.has_store:
        packages += [("model", "system"), ("store",)]
        assert (folder / "sql" / "queries.sql").is_file()
        assert list((folder / "sql" / "migrations").glob("0001_*.sql"))
    for name in files:
        assert (folder / f"{name}.py").is_file(), name
    # What grows becomes a package of several files, in the same place.
    for names in packages:
        found = [(folder / f"{name}.py").is_file() or (folder / name / "__init__.py").is_file() for name in names]
        assert any(found), names


def test_only_the_store_knows_sql(root, service):
    for path in (root / "services" / service).rglob("*.py"):
        if path.stem != "store" and path.parent.name not in ("store", "sql"):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            texts = [
                node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)
            ]
            spoken = [text for text in texts if re.match(r"\s*(SELECT|INSERT INTO|UPDATE|DELETE FROM|WITH)\s", text)]
            assert spoken == [], path.relative_to(root)


def test_the_version_is_the_same_everywhere(root):
    versions = {
        name: re.search(
            r'^version = "(.+)"$', (root / name / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE
        )
        for name in (".", "client", "protos", "quality", "records")
    }
    found = {name: match[1] for name, match in versions.items() if match}
    assert len(found) == 5
    assert set(found.values()) == {importlib.metadata.version("andon")}
