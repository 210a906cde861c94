"""Code is cut no finer than a reader needs: private functions with one caller are a small share of each package."""

from __future__ import annotations

import functools
from pathlib import Path

import pytest

from tests.project.private_functions import ROOT, Cut, PackageCuts, cuts_of, packages

# The share at most. Lower a figure when a package gets below it; a package that needs a higher one has forwarders.
SHARES_MAX = {
    "services/bridge": 0.35,
    "services/gateway": 0.30,
    "services/improvement": 0.125,
    "services/ingest": 0.17,
    "services/machine": 0.125,
    "services/runtime": 0.115,
    "services/scoring": 0.185,
    "client/andon_client": 0.18,
    "quality/andon_quality": 0.21,
    "records/andon_records": 0.285,
    "demo": 0.31,
}
# Of all functions, those of at most three lines: hardly any forwards only.
SHORT_SHARE_MAX = 0.02


@functools.cache
def found_in(package: str) -> PackageCuts:
    """Read when a test asks: each worker of a parallel run collects all tests and runs a part of them."""
    return cuts_of(ROOT / package)


def test_every_package_has_a_limit() -> None:
    assert {str(package.relative_to(ROOT)) for package in packages()} == set(SHARES_MAX)


@pytest.mark.parametrize("package", SHARES_MAX)
def test_few_functions_of_a_package_are_private_with_one_caller(package: str) -> None:
    found = found_in(package)
    assert found.share <= SHARES_MAX[package], f"{found.share:.1%}; `python tests/project/private_functions.py -v`"


@pytest.mark.parametrize("package", SHARES_MAX)
def test_hardly_any_of_them_is_as_short_as_its_call(package: str) -> None:
    found = found_in(package)
    assert found.short <= SHORT_SHARE_MAX * found.functions


def test_what_a_table_registers_is_a_handler_and_no_cut(tmp_path: Path) -> None:
    (tmp_path / "desk.py").write_text(
        "READERS = {'a': _a}\nORDER = [_b]\nOPTION = option(parser=_c)\nanswer = run(_d)\n\n"
        + "".join(f"def _{name}():\n    return 1\n\n" for name in "abcd")
    )
    found = cuts_of(tmp_path, tmp_path)
    assert [cut.name for cut in found.cuts] == ["_d"]
    assert found.short == 1


def test_a_private_function_counts_if_it_is_referred_to_once(tmp_path: Path) -> None:
    (tmp_path / "desk.py").write_text(
        "def answer():\n    return _once() + _twice() + _twice()\n\n"
        "def _once():\n    return 1\n\n"
        "def _twice():\n    return 2\n\n"
        "def __getattr__(name):\n    return name\n"
    )
    found = cuts_of(tmp_path, tmp_path)
    assert (found.functions, found.cuts) == (4, (Cut("desk.py", "_once", 2),))
    assert found.share == 0.25
