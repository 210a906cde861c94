"""Replicas run on unlike nodes: what is decided, and its hash, is the same whatever the processor can do."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[4]
# As numpy names what it compiled beyond its baseline: without these its loops are those of any x86-64.
WIDE = "X86_V3 X86_V4 AVX512_ICL AVX512_SPR"
FOLD = """
import random
from dataclasses import replace
from services.scoring.scores.statistics import PartChange, PartStats
from services.scoring.system.model import ChartKind, ChartRule
from services.scoring.system.series import SeriesKey
from tests.services.scoring.scores.scored_system import ScoredSystem
from tests.services.scoring.scores.test_decision import WEEK_US, make_system, window

system = make_system(baseline_windows=12)
breach, wait = system.spec.indicators
charts = [replace(wait, name=f"wait{at}", chart=ChartRule(kind, baseline_windows=12, requested_arl0=200.0))
          for at, kind in enumerate((ChartKind.XMR, ChartKind.XBAR_S, ChartKind.EWMA))]
system = replace(system, spec=replace(system.spec, indicators=(breach, *charts)))
dice, scored = random.Random(5), ScoredSystem(system)
signals = 0
for week in range(26):
    shifted = week > 21
    hits = sum(dice.random() < (0.5 if shifted else 0.15) for _ in range(80))
    waits = [round(1e6 * dice.lognormvariate(1.0 + shifted, 0.6)) for _ in range(37)]
    changes = [PartChange(SeriesKey("desk/main/breach@week"), window(week), PartStats(80, hits, hits))]
    changes += [
        PartChange(SeriesKey(f"desk/main/wait{at}@week"), window(week),
                   PartStats(37, sum(waits), sum(wait * wait for wait in waits)))
        for at in range(3)
    ]
    signals += len(scored.step({0: changes}, (week + 1) * WEEK_US).signals)
print(signals > 0, scored.content_hash())
"""


def folded(**settings: str) -> str:
    environment = {**os.environ, **settings}
    answer = subprocess.run(
        [sys.executable, "-c", FOLD], capture_output=True, text=True, check=True, cwd=ROOT, env=environment
    )
    return answer.stdout.strip()


@pytest.mark.skipif(sys.platform != "linux" or os.uname().machine != "x86_64", reason="names of x86-64 processors")
def test_the_hash_of_a_fold_is_equal_without_wide_loops_and_with_other_kernels_of_linear_algebra() -> None:
    here = folded()
    assert here.startswith("True ")
    assert folded(NPY_DISABLE_CPU_FEATURES=WIDE, OPENBLAS_CORETYPE="Nehalem") == here
    assert folded(OPENBLAS_CORETYPE="Haswell") == here
