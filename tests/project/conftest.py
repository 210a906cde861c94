"""What the house is made of, found in the tree and not listed by hand."""

from __future__ import annotations

import importlib
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def tracked(root) -> list[Path]:
    """Files that are, or are about to be, under version control: everything else comes and goes."""
    if not (root / ".git").exists():
        pytest.skip("this is not a checkout, so nothing says which files belong to the project")
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True)
    return [root / name for name in sorted(set(listed.stdout.split("\0"))) if name and (root / name).is_file()]


@pytest.fixture(scope="session")
def python_files(tracked) -> list[Path]:
    return [path for path in tracked if path.suffix == ".py"]


@pytest.fixture(scope="session")
def pages(tracked) -> list[Path]:
    return [path for path in tracked if path.suffix == ".md"]


def _deployed() -> list[str]:
    return sorted(main.parent.name for main in ROOT.glob("services/*/__main__.py"))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that asks for `service` runs once for each folder that is deployed."""
    if "service" in metafunc.fixturenames:
        metafunc.parametrize("service", _deployed())


@pytest.fixture
def part(service) -> Callable[[str], Any]:
    """A module of the service, by its place on the shelf."""
    return lambda name: importlib.import_module(f"services.{service}.{name}")
