"""One vocabulary: a class name has one meaning, files are named by nouns, and people read the words of the field."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from andon_client.command_line import app
from andon_client.load_messages import PHRASES as LOAD_PHRASES
from andon_client.presentation import phrases
from typer.main import get_command

from demo import report_texts
from services.runtime import texts as error_texts

PACKAGES = ("client/andon_client", "demo", "deploy", "quality/andon_quality", "records/andon_records", "services")

# The same idea in two places that may not import each other, and why both need it.
SAME_IDEA = {
    "Direction": "which way is better: of an indicator in scoring, of an expected effect in the mathematics",
    "Outlook": "of a verification, computed by the mathematics and stored by improvement",
    "Committer": "what makes the commits of a service's log, one after another",
    "LogEntry": "one commit of a service's log; each service has its own",
    "LogHead": "how far a service's log reaches; each service has its own",
    "RequestContext": "what the families of RPCs of one service share",
    "Source": "what events come from: registered in ingest, read by a measure in scoring",
    "Tenant": "what a process holds for one tenant",
    "Tenants": "what a process holds per tenant, by name",
    "Text": "a text in both languages, in the model of each service: no service imports another",
    "Verdict": "of a verification, computed by the mathematics and stored by improvement",
    "OutOfRange": "a value outside of its range: the error of the mathematics, and the status of the runtime",
}
# Words that end so and are nouns, in English or in the field.
NOUNS_IN_ING = {
    "listing",
    "cleaning",
    "mapping",
    "rating",
    "scoring",
    "string",
    "training",
    "tracing",
    "hotelling",
    "rolling",
    "finding",
    "darling",
    # Participles within a noun: the operating characteristic of a plan, limits that grow.
    "operating",
    "growing",
}
# Names of files that say what is done and not what is there. This list only shrinks.
VERBS = {
    "client/andon_client/loading.py",
}

# Metaphors, private and archaic words; what to write instead.
BANNED = {
    r"promis(?:e|es|ed)": "in-control ARL, calibrated; guarantee",
    r"mend(?:s|ed|ing)?": "repair, reconnect",
    r"anew": "again",
    r"reckon(?:s|ed|ing)?": "compute",
    r"beside": "next to, besides",
    r"whoever": "the reader, the caller",
    r"lets? go of": "expire, delete",
    r"told": "notified, reported",
    r"stands?": "is, is active",
    r"houses?": "project",
    r"shel(?:f|ves)": "layout",
    r"drawers?": "module",
    r"doors?": "interface, admission",
    r"lopsided": "skewed",
    r"foresight": "preregistered",
    r"steadiness": "stationarity",
    r"quanta": "multiples of the resolution",
    r"casebook": "case index",
    r"ledger": "codec",
    r"appraisal": "evaluation",
    r"look(?:s|ed)? after": "reconcile",
}
BANNED_CHINESE = {"承诺": "受控平均运行长度", "量子": "分辨率"}
WORD = re.compile(rf"\b(?:{'|'.join(BANNED)})\b", re.IGNORECASE)

# Pages that quote the past.
OF_THE_PAST = ("CHANGELOG.md", "docs/adr/")


def _modules(root: Path, python_files: list[Path]) -> Iterator[tuple[str, Path]]:
    for path in python_files:
        name = path.relative_to(root).as_posix()
        if name.startswith(PACKAGES):
            yield name, path


def test_a_class_name_has_one_meaning(root, python_files):
    places = defaultdict(list)
    for name, path in _modules(root, python_files):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(name)
    twice = {name: files for name, files in places.items() if len(files) > 1}
    assert {name: files for name, files in twice.items() if name not in SAME_IDEA} == {}


def test_a_file_is_named_by_a_noun(root, python_files):
    verbs = {
        name
        for name, path in _modules(root, python_files)
        for word in path.stem.split("_")
        if word.endswith("ing") and word not in NOUNS_IN_ING
    }
    assert verbs - VERBS == set()


def _banned(text: str) -> set[str]:
    return {word.lower() for word in WORD.findall(text)} | {word for word in BANNED_CHINESE if word in text}


def _helps(command: Any) -> Iterator[str]:
    yield from (owner.help or "" for owner in (command, *command.params))
    yield command.epilog or ""
    for child in getattr(command, "commands", {}).values():
        yield from _helps(child)


SHOWN = {
    "help": lambda: list(_helps(get_command(app))),
    "phrases": lambda: [text for pair in phrases._PHRASES.values() for text in pair],
    "load": lambda: [text for pair in LOAD_PHRASES.values() for text in pair],
    "report": lambda: [text for pair in report_texts._TEXTS.values() for text in pair],
    "errors": lambda: [
        text for table in (error_texts.REASONS, error_texts.CODES) for both in table.values() for text in both.values()
    ],
}


@pytest.mark.parametrize("kind", SHOWN)
def test_what_people_are_shown_is_in_the_words_of_the_field(kind):
    texts = SHOWN[kind]()
    assert texts
    assert {text: words for text in texts if (words := _banned(text))} == {}


# Calls whose texts reach people: in both languages, or as the message of an error.
TEXT_CALLS = {"Text", "error", "warning"}


def test_the_texts_of_the_services_are_in_the_words_of_the_field(root, python_files):
    found = {}
    for name, path in _modules(root, python_files):
        calls = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
        for call in calls:
            if getattr(call.func, "id", getattr(call.func, "attr", "")) not in TEXT_CALLS:
                continue
            texts = [node.value for node in ast.walk(call) if isinstance(node, ast.Constant)]
            for text in texts:
                if isinstance(text, str) and (words := _banned(text)):
                    found[f"{name}:{call.lineno}"] = words
    assert found == {}


def test_the_comments_of_the_contracts_are_in_the_words_of_the_field(root):
    found = {}
    for path in sorted((root / "protos" / "andon").rglob("*.proto")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if words := _banned(line):
                found[f"{path.name}:{number}"] = words
    assert found == {}


def test_the_pages_are_in_the_words_of_the_field(root, pages):
    found = {}
    for path in pages:
        name = path.relative_to(root).as_posix()
        if name.startswith(OF_THE_PAST):
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if words := _banned(line):
                found[f"{name}:{number}"] = words
    assert found == {}


def test_the_library_describes_itself_in_the_words_of_the_field(root, python_files):
    found = {}
    for name, path in _modules(root, python_files):
        if name.startswith("quality/"):
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                if words := _banned(line):
                    found[f"{name}:{number}"] = words
    assert found == {}
