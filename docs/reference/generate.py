"""Writes the reference pages that are made from code, or with --check says which of them are out of date."""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import re
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(ROOT), str(HERE)]

import system_document  # noqa: E402

from services.improvement.lifecycle import ACTION_TRANSITIONS, PROBLEM_TRANSITIONS, diagram  # noqa: E402
from services.runtime.metrics import Instrument  # noqa: E402
from services.runtime.settings import HttpSettings, ProcessSettings, RuntimeSettings, ServerSettings  # noqa: E402

NOTICE = "<!-- Made from code by docs/reference/generate.py: change the code, then run it. -->"
CONTRACT = re.compile(r"^ +rpc (?P<name>\w+)\(", re.MULTILINE)
ROLES = ("reader", "writer", "analyst", "quality_manager", "operator", "service", "admin")

Row = Sequence[str]


def services() -> list[str]:
    """The folders that are deployed, in the order of the flow where it is known."""
    flow = ("ingest", "scoring", "improvement")
    found = {folder.parent.name for folder in ROOT.glob("services/*/__main__.py")}
    return [*(name for name in flow if name in found), *sorted(found - set(flow))]


def page(title: str, lead: str, *sections: str) -> str:
    return "\n\n".join([f"# {title}", NOTICE, lead, *sections]) + "\n"


def table(head: Row, rows: Sequence[Row]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def module(service: str, name: str) -> Any:
    return importlib.import_module(f"services.{service}.{name}")


# Settings


def settings_page() -> str:
    prefixes = ", ".join(f"`{_prefix(settings_class(name))}`" for name in services())
    lead = (
        f"Every setting is an environment variable: the service's prefix ({prefixes}) and the name in upper\n"
        "case, such as `ANDON_INGEST_GRACE_S`. A value that is missing or out of range stops the process\n"
        "before it listens, and the message names the setting. Units are part of the names: `_s` seconds,\n"
        "`_bytes` bytes, `_max` the most, `_min` the least."
    )
    shared = "## Every service\n\n" + _settings_table(RuntimeSettings, RuntimeSettings.model_fields, "ANDON_<SERVICE>_")
    own = {name: HttpSettings.model_fields[name] for name in HttpSettings.__annotations__}
    http = "## A service of HTTP\n\n" + _settings_table(HttpSettings, own, "ANDON_<SERVICE>_")
    return page("Settings", lead, shared, http, *(_own_settings(name) for name in services()))


def settings_class(service: str) -> type[ProcessSettings]:
    classes = [
        value
        for value in vars(module(service, "settings")).values()
        if isinstance(value, type) and issubclass(value, ProcessSettings) and _prefix(value) != "ANDON_"
    ]
    return classes[0]


def _own_settings(service: str) -> str:
    kind = settings_class(service)
    inherited = {**RuntimeSettings.model_fields, **HttpSettings.model_fields}
    own = {name: field for name, field in kind.model_fields.items() if name not in inherited}
    changed = {
        name: field
        for name, field in kind.model_fields.items()
        if name in inherited and field.default != inherited[name].default
    }
    return f"## {service.capitalize()}\n\n" + _settings_table(kind, {**changed, **own}, _prefix(kind))


def _prefix(kind: type[ProcessSettings]) -> str:
    return str(kind.model_config["env_prefix"])


def _settings_table(kind: type[ProcessSettings], fields: Mapping[str, Any], prefix: str) -> str:
    rows = [
        (f"`{name}`", f"`{prefix}{name.upper()}`", _default(field), _range(field), str(field.description))
        for name, field in fields.items()
    ]
    return table(("setting", "variable", "default", "range", "meaning"), rows)


def _default(field: Any) -> str:
    if field.is_required():
        return "required"
    if field.default is None:
        return "absent"
    if field.default == "":
        return "empty"
    return f"`{str(field.default).lower() if isinstance(field.default, bool) else field.default}`"


def _range(field: Any) -> str:
    choices = getattr(field.annotation, "__args__", ()) if "Literal" in str(field.annotation) else ()
    signs = {"ge": "≥ ", "gt": "> ", "le": "≤ ", "lt": "< "}
    bounds = [
        f"{sign}{getattr(rule, key)}" for rule in field.metadata for key, sign in signs.items() if hasattr(rule, key)
    ]
    return ", ".join([*(str(choice) for choice in choices), *bounds])


# Metrics


def metrics_page() -> str:
    lead = (
        "Metrics go by OTLP to `otlp_endpoint`. Names follow OpenTelemetry; units are UCUM: `s` seconds, `By`\n"
        "bytes, `{event}` a count of events. No label holds a person, a case or an event."
    )
    sections = [f"## {title}\n\n" + _metrics_table(catalogue) for title, catalogue in catalogues()]
    return page("Metrics", lead, *sections)


def catalogues() -> Iterator[tuple[str, Mapping[str, Instrument]]]:
    for service in ("runtime", *services()):
        title = "Every service" if service == "runtime" else service.capitalize()
        for value in vars(module(service, "metrics")).values():
            if isinstance(value, Mapping) and value and all(isinstance(one, Instrument) for one in value.values()):
                yield title, value


def _metrics_table(catalogue: Mapping[str, Instrument]) -> str:
    rows = [(f"`{name}`", one.kind.value, f"`{one.unit}`", one.meaning) for name, one in catalogue.items()]
    return table(("metric", "kind", "unit", "meaning"), rows)


# RPCs


def rpcs_page() -> str:
    lead = (
        "Every RPC of every contract, and the roles that may call it, from each service's `access.py`.\n"
        "Whatever is not listed is denied to everybody. The contracts are in `protos/andon/`,\n"
        "with a comment on every field."
    )
    served = (name for name in services() if issubclass(settings_class(name), ServerSettings))
    sections = (_contract_section(name, one) for name in served for one in contracts(name))
    return page("RPCs", lead, *sections)


def contracts(service: str) -> list[Any]:
    """The descriptors of all services that the contract package declares, its namesake first."""
    package = importlib.import_module(f"andon.{service}.v1")
    names = sorted(one.name for one in pkgutil.iter_modules(package.__path__) if one.name.endswith("_pb2"))
    files = [importlib.import_module(f"{package.__name__}.{name}").DESCRIPTOR for name in names]
    found = [one for file in files for one in file.services_by_name.values()]
    return sorted(found, key=lambda one: (one.file.name != f"andon/{service}/v1/{service}.proto", one.name))


def _contract_section(service: str, described: Any) -> str:
    access = module(service, "access").ACCESS
    comments = comments_of(ROOT / "protos" / described.file.name)
    rows = [
        (
            f"`{method.name}`",
            _shape(method),
            comments.get(method.name, ""),
            *_ticks(access.get(f"/{described.full_name}/{method.name}", frozenset())),
        )
        for method in described.methods
    ]
    head = ("RPC", "shape", "what it does", *(role.replace("_", " ") for role in ROLES))
    return f"## {service.capitalize()}: `{described.full_name}`\n\n" + table(head, rows)


def _shape(method: Any) -> str:
    shapes = {
        (False, False): "call",
        (False, True): "stream out",
        (True, False): "stream in",
        (True, True): "both ways",
    }
    return shapes[method.client_streaming, method.server_streaming]


def _ticks(allowed: frozenset[str]) -> Iterator[str]:
    if unknown := allowed - set(ROLES):
        raise SystemExit(f"roles that this page does not know: {', '.join(sorted(unknown))}")
    return ("✓" if role in allowed else "" for role in ROLES)


def comments_of(proto: Path) -> dict[str, str]:
    """The comment that stands above each rpc."""
    text = proto.read_text(encoding="utf-8")
    found = {}
    for match in CONTRACT.finditer(text):
        above: list[str] = []
        for line in reversed(text[: match.start()].splitlines()):
            if not line.strip().startswith("//"):
                break
            above.insert(0, line.strip().removeprefix("//").strip())
        found[match["name"]] = " ".join(above)
    return found


# Life cycles


def life_cycles_page() -> str:
    lead = (
        "The states of a problem and of an action, and what moves them, drawn from the tables in\n"
        "[lifecycle.py](../../services/improvement/lifecycle.py). Any other move is refused with\n"
        "FAILED_PRECONDITION (`INVALID_TRANSITION`) and the list of legal ones. `VERIFY_ACTION` runs the proof, whose\n"
        "verdict is the event: improved is ACTION_VERIFIED, undecided ACTION_UNDECIDED, no change and worse\n"
        "ACTION_FAILED. Four events are the service's own: `WITHDRAW` (every signal was retracted, or the problem\n"
        "was merged into another), and after an action was cancelled `PROOF_AWAITED`, `STILL_ACTING` and\n"
        "`NO_ACTION_LEFT`."
    )
    problem = "## A problem\n\n```mermaid\n" + diagram(PROBLEM_TRANSITIONS) + "\n```"
    action = "## An action\n\n```mermaid\n" + diagram(ACTION_TRANSITIONS) + "\n```"
    return page("Life cycles", lead, problem, action)


# Capabilities

STATES: Mapping[str, str] = {
    "works": "usable through the contract, and a test shows it",
    "in part": "usable through the contract; the remark says what is missing",
    "mathematics": "the method is in `andon_quality`, tested, and no RPC serves it yet",
    "not yet": "nothing",
}


def capabilities_page() -> str:
    sections = capabilities()
    rows = [row for section in sections for row in section["row"]]
    counts = {state: sum(row["state"] == state for row in rows) for state in STATES}
    if len(rows) != sum(counts.values()):
        raise SystemExit(f"capabilities.toml: a state is one of {', '.join(STATES)}")
    lead = "\n".join(
        [
            "Row by row: the capability, how far it is, and which RPC, file and test cover it. A row keeps its number",
            "for ever. Written down in [capabilities.toml](capabilities.toml).",
            "",
            *(f"- **{state}**: {meaning}" for state, meaning in STATES.items()),
            "",
            f"Of {len(rows)} rows {counts['works']} work, {counts['in part']} work in part, "
            f"{counts['mathematics']} are mathematics only, and {counts['not yet']} are not yet there.",
        ]
    )
    head = ("#", "capability", "state", "RPC", "files", "tests", "remark")
    tables = [f"## {one['title']}\n\n" + table(head, [_capability(row) for row in one["row"]]) for one in sections]
    return page("What Andon can do", lead, *tables)


def capabilities() -> list[Mapping[str, Any]]:
    """The sections of capabilities.toml with their rows."""
    found: list[Mapping[str, Any]] = tomllib.loads((HERE / "capabilities.toml").read_text(encoding="utf-8"))["section"]
    return found


def _capability(row: Mapping[str, Any]) -> Row:
    files = [*row.get("files", ()), *(_library_path(name) for name in row.get("library", ()))]
    rpcs = ["all"] if row.get("rpc") == ["all"] else [f"`{name}`" for name in row.get("rpc", ())]
    cells = ("<br>".join(f"`{name}`" for name in names) for names in (files, row.get("tests", ())))
    return (str(row["number"]), row["name"], row["state"], ", ".join(rpcs), *cells, row.get("remark", ""))


def _library_path(module_name: str) -> str:
    """ "arl" -> "quality/andon_quality/arl"; "arl.cusum" -> "quality/andon_quality/arl/cusum.py"."""
    path = f"quality/andon_quality/{module_name.replace('.', '/')}"
    return path if (ROOT / path).is_dir() else f"{path}.py"


# The system document


def system_document_page() -> str:
    return page("Fields of the system document", system_document.lead(), *system_document.sections())


PAGES: Mapping[str, Callable[[], str]] = {
    "settings.md": settings_page,
    "metrics.md": metrics_page,
    "rpcs.md": rpcs_page,
    "life-cycles.md": life_cycles_page,
    "capabilities.md": capabilities_page,
    "system-document.md": system_document_page,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail where a page is out of date")
    check = parser.parse_args().check
    stale = []
    for name, make in PAGES.items():
        path, text = HERE / name, make()
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(name)
            if not check:
                path.write_text(text, encoding="utf-8")
    if stale:
        print(f"{'out of date' if check else 'written'}: {', '.join(stale)}")
    if check and stale:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
