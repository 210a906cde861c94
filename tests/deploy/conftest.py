"""The rendered manifests, once for all tests; every test gets a copy of its own."""

import copy
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy.objects import Object
from deploy.render import render

KUBERNETES = Path(__file__).parents[2] / "deploy" / "kubernetes"


@pytest.fixture(scope="session")
def _rendered() -> dict[str, list[Object]]:
    return {name: render(KUBERNETES / name) for name in ("base", "overlays/dev")}


@pytest.fixture
def rendered(_rendered: dict[str, list[Object]]) -> Callable[[str], list[Object]]:
    return lambda name: copy.deepcopy(_rendered[name])


@pytest.fixture
def base(rendered: Callable[[str], list[Object]]) -> list[Object]:
    return rendered("base")


@pytest.fixture
def dev(rendered: Callable[[str], list[Object]]) -> list[Object]:
    return rendered("overlays/dev")
