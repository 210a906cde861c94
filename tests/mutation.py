"""Mutation runs: changes the code in small ways, one at a time, and lists the changes that no test notices.

    python -m tests.mutation [TARGET ...]     all targets unless named; `make mutate TARGET="season history"`

Each target is mutated in a copy of the tree, so a run that is stopped leaves nothing behind. It takes minutes to hours
and is no part of CI: a survivor is a question (is a test missing, or is the change without effect?), not an error.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
COPIED = ("services", "client", "records", "quality", "protos", "demo", "tests", "docs", "pyproject.toml")
IMPORTED = ("", "quality", "records", "client", "protos")
# What a change of an annotation, or one operator for a far one, would tell is told by the others.
LEFT_OUT = [
    r"core/ReplaceBinaryOperator_(?!Add_Sub|Sub_Add|Mul_Div|Div_Mul|Pow_Mul|FloorDiv_Mul|Mod_Mul|BitAnd_BitOr)",
    r"core/ReplaceComparisonOperator_.*_(Is|IsNot)$(?<!Is_IsNot)(?<!IsNot_Is)",
    r"core/ReplaceComparisonOperator_(Is|IsNot)_(?!Is)",
    r"core/ReplaceComparisonOperator_(Lt|LtE|Gt|GtE)_(Eq|NotEq)",
    r"core/ReplaceComparisonOperator_(Eq|NotEq)_(Lt|LtE|Gt|GtE)",
    r"core/RemoveDecorator",
]


@dataclass(frozen=True)
class Target:
    """What is mutated, and the tests that should notice."""

    modules: tuple[str, ...]
    tests: tuple[str, ...]


TARGETS: Mapping[str, Target] = {
    "evaluation": Target(
        ("services/scoring/scores/evaluation.py",),
        ("tests/services/scoring/scores/test_evaluation.py", "tests/services/scoring/scores/test_decision.py"),
    ),
    "season": Target(("quality/andon_quality/effect/season.py",), ("tests/quality/effect/test_season.py",)),
    "baseline_level": Target(
        ("quality/andon_quality/effect/baseline_level.py",), ("tests/quality/effect/test_baseline_level.py",)
    ),
    "phase_one": Target(
        ("quality/andon_quality/calibration/phase_one.py",), ("tests/quality/calibration/test_phase_one.py",)
    ),
    "history": Target(
        ("services/improvement/history.py", "services/improvement/window_kinds.py"),
        ("tests/services/improvement/test_history.py", "tests/services/improvement/test_window_kinds.py"),
    ),
    "plan": Target(("services/improvement/plan.py",), ("tests/services/improvement/test_plan.py",)),
    "goals": Target(("services/improvement/wire/goals.py",), ("tests/services/improvement/wire/test_validation.py",)),
}


def survivors(target: Target) -> str:
    """The report of one run: each change that no test noticed, as a diff, and the share of survivors."""
    with tempfile.TemporaryDirectory(prefix="andon-mutation-") as folder:
        tree = Path(folder)
        for name in COPIED:
            _copy(ROOT / name, tree / name)
        (tree / "mutation.toml").write_text(_config(target, tree), encoding="utf-8")
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(str(tree / part) for part in IMPORTED),
            # A change within one second and of equal length would be hidden by compiled code.
            "PYTHONDONTWRITEBYTECODE": "1",
        }

        def run(*command: str) -> str:
            tool = Path(sys.executable).parent / command[0]
            done = subprocess.run(
                [str(tool), *command[1:]], cwd=tree, env=environment, capture_output=True, text=True, check=False
            )
            if done.returncode:
                raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout[-4000:]}{done.stderr[-4000:]}")
            return done.stdout

        run("cosmic-ray", "baseline", "mutation.toml")
        run("cosmic-ray", "init", "mutation.toml", "session.sqlite")
        run("cr-filter-operators", "session.sqlite", "mutation.toml")
        run("cosmic-ray", "exec", "mutation.toml", "session.sqlite")
        return run("cr-report", "--surviving-only", "--show-diff", "session.sqlite")


def _copy(source: Path, to: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, to, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info", ".andon"))
    elif source.exists():
        shutil.copy(source, to)


def _config(target: Target, tree: Path) -> str:
    command = f"{sys.executable} -m pytest -x -q -p no:cacheprovider --timeout=60 {' '.join(target.tests)}"
    return "\n".join(
        [
            "[cosmic-ray]",
            f"module-path = {json.dumps(list(target.modules))}",
            "timeout = 90.0",
            "excluded-modules = []",
            f"test-command = {json.dumps(command)}",
            "[cosmic-ray.distributor]",
            'name = "local"',
            "[cosmic-ray.filters.operators-filter]",
            f"exclude-operators = {json.dumps(LEFT_OUT)}",
        ]
    )


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description="Lists the changes of the code that no test notices.")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {', '.join(TARGETS)}; all unless named")
    chosen = parser.parse_args(arguments).targets or list(TARGETS)
    if unknown := [name for name in chosen if name not in TARGETS]:
        parser.error(f"unknown: {', '.join(unknown)}; known: {', '.join(TARGETS)}")
    for name in chosen:
        print(f"== {name}", flush=True)
        print(survivors(TARGETS[name]), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
