"""The documents keep up with the code: generated pages are current, links lead somewhere, decisions are whole."""

from __future__ import annotations

import re
import subprocess
import sys
from itertools import pairwise
from urllib.parse import unquote

import pytest

from deploy.declared import suite

LINK = re.compile(r"(?<!!)\[[^\]]*\]\((?P<target>[^)\s]+)\)|!\[[^\]]*\]\((?P<image>[^)\s]+)\)")
FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`[^`\n]*`")
HEADING = re.compile(r"^#{1,6} +(?P<text>.+?)\s*$", re.MULTILINE)
LIST_RPC = re.compile(r"(?P<comment>(?:^ +// .*\n)+)^ +rpc (?P<name>List\w+)\(", re.MULTILINE)
ORDER = re.compile(r"\b[Bb]y (name|id|source|series|scope|time|the time)\b|newest first|oldest first|most severe first")
TEST_FILE = re.compile(r"tests/[\w/]+\.py")
DECISION = ("## Context", "## Decision", "## Consequences")


def _prose(path):
    return CODE.sub("", FENCE.sub("", path.read_text(encoding="utf-8")))


def _anchors(path):
    """The anchors of a page's headings, as repository hosts make them."""
    headings = HEADING.finditer(FENCE.sub("", path.read_text(encoding="utf-8")))
    return {re.sub(r"[^\w\- ]", "", match["text"].lower()).replace(" ", "-") for match in headings}


def _links(path):
    targets = (match["target"] or match["image"] for match in LINK.finditer(_prose(path)))
    return [target for target in targets if not re.match(r"[a-z]+:", target)]


def test_the_contract_says_in_which_order_each_list_comes(root):
    listed, unsaid = 0, []
    for path in sorted(root.glob("protos/andon/*/v1/*.proto")):
        for match in LIST_RPC.finditer(path.read_text(encoding="utf-8")):
            listed += 1
            if not ORDER.search(match["comment"]):
                unsaid.append(match["name"])
    assert listed > 10
    assert unsaid == []


def test_generated_pages_are_up_to_date(root):
    command = [sys.executable, str(root / "docs" / "reference" / "generate.py"), "--check"]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, f"run docs/reference/generate.py\n{checked.stdout}{checked.stderr}"


def test_every_relative_link_leads_to_a_file_and_to_one_of_its_headings(root, pages):
    broken = []
    for page in pages:
        for link in _links(page):
            file, _, anchor = unquote(link).partition("#")
            target = (page.parent / file).resolve() if file else page
            if not target.exists():
                broken.append(f"{page.relative_to(root)}: {link}")
            elif anchor and target.suffix == ".md" and anchor not in _anchors(target):
                broken.append(f"{page.relative_to(root)}: {link} (no such heading)")
    assert broken == []


def test_every_test_file_that_a_page_names_exists(root, pages):
    named = {(page, name) for page in pages for name in TEST_FILE.findall(page.read_text(encoding="utf-8"))}
    assert len(named) > 10
    assert [f"{page.relative_to(root)}: {name}" for page, name in sorted(named) if not (root / name).exists()] == []


def test_every_decision_has_its_number_and_its_three_headings(root):
    decisions = sorted((root / "docs" / "adr").glob("*.md"))
    assert [path.name[:4] for path in decisions] == [f"{number:04d}" for number in range(1, len(decisions) + 1)]
    for path in decisions:
        text = path.read_text(encoding="utf-8")
        positions = [text.find(f"\n{heading}\n") for heading in DECISION]
        assert -1 not in positions, f"{path.name} lacks one of {', '.join(DECISION)}"
        assert positions == sorted(positions), f"{path.name}: the headings stand in another order"


@pytest.mark.parametrize("name", ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "LICENSE"])
def test_the_front_pages_are_there_and_say_something(root, name):
    assert len((root / name).read_text(encoding="utf-8")) > 500


def test_every_page_of_the_docs_is_reached_from_the_readme(root, pages):
    reached, ahead = set(), [root / "README.md"]
    while ahead:
        page = ahead.pop()
        if page in reached:
            continue
        reached.add(page)
        targets = ((page.parent / unquote(link).partition("#")[0]).resolve() for link in _links(page))
        ahead += [target for target in targets if target.suffix == ".md" and target.is_file()]
    lost = [str(page.relative_to(root)) for page in pages if (root / "docs") in page.parents and page not in reached]
    assert lost == []


def test_every_rpc_of_the_contracts_is_explained_where_it_stands(root):
    silent = []
    for contract in sorted((root / "protos").glob("andon/*/v1/*.proto")):
        lines = contract.read_text(encoding="utf-8").splitlines()
        for above, line in pairwise(lines):
            if re.match(r"\s*(rpc|service) ", line) and not above.strip().startswith("//"):
                silent.append(f"{contract.name}: {line.strip()}")
    assert silent == []


def test_every_file_that_the_capabilities_name_exists(root):
    named = re.findall(
        r"`([\w-]+(?:/[\w.-]+)+)`", (root / "docs/reference/capabilities.md").read_text(encoding="utf-8")
    )
    assert len(named) > 50
    assert [name for name in named if not (root / name).exists()] == []


def test_the_targets_that_the_readme_names_exist(root):
    made = set(re.findall(r"^([a-z-]+):", (root / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = set(re.findall(r"\bmake ([a-z-]+)\b", " ".join(CODE.findall((root / "README.md").read_text("utf-8")))))
    assert {"run", "test"} <= named
    assert named <= made


def test_the_commands_that_the_readme_shows_exist(root):
    from andon_client.command_line import app
    from typer.main import get_command

    commands = set(get_command(app).commands)
    shown = set(re.findall(r"andon (?:--\w+ \w+ )?([a-z]+)", "\n".join(_shells(root / "README.md"))))
    assert commands <= shown | {"events"}
    assert shown <= commands


def _shells(page):
    return re.findall(r"^```(?:sh|bash|shell)\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def test_every_setting_metric_and_rpc_stands_in_the_reference(root, service, part):
    reference = root / "docs" / "reference"
    rpcs, settings = (reference / name for name in ("rpcs.md", "settings.md"))
    if suite()[service].has_contract:
        for method in part("access").ACCESS:
            assert f"`{method.rsplit('/', 1)[1]}`" in rpcs.read_text(encoding="utf-8")
    shown = settings.read_text(encoding="utf-8")
    kinds = [
        kind
        for kind in vars(part("settings")).values()
        if isinstance(kind, type) and kind.__module__ == part("settings").__name__
    ]
    assert kinds
    for kind in kinds:
        for name in kind.model_fields:
            assert f"`{name}`" in shown, name
    metrics = (reference / "metrics.md").read_text(encoding="utf-8")
    source = (root / "services" / service / "metrics.py").read_text(encoding="utf-8")
    names = set(re.findall(rf'"(andon\.{service}\.[a-z._]+)"', source))
    assert names
    assert {name for name in names if f"`{name}`" not in metrics} == set()
