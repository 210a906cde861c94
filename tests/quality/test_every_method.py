"""What every method over samples and tables must do: refuse what is no number, and import light."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from andon_quality import composite, describe, inference, normalisation, reliability, satisfaction, structure, weights
from andon_quality.errors import NotFinite, QualityError
from numpy.typing import NDArray

MODULES = (
    "normalisation composite describe.moments describe.quantiles describe.summary inference satisfaction reliability "
    "structure weights lifetime power acceptance normality tolerance measurement"
)

Table = NDArray[np.float64]
TABLE = np.random.default_rng(0).uniform(1.0, 5.0, (12, 3))

OF_A_SAMPLE: dict[str, Callable[[Table], Any]] = {
    "fit_min_max": normalisation.fit_min_max,
    "fit_z": normalisation.fit_z,
    "target_value": lambda x: normalisation.target_value(x, 1.0, 9.0),
    "quantise": lambda x: describe.quantise(x, 0.1),
    "summary": describe.summary,
    "quantiles": lambda x: describe.quantiles(x, 0.5),
    "median_interval": describe.median_interval,
    "sketch": lambda x: describe.QuantileSketch().add(x),
    "one_mean": inference.one_mean,
    "paired": lambda x: inference.paired(x, x[::-1]),
    "welch": lambda x: inference.welch(x, TABLE[:, 1]),
    "mann_whitney": lambda x: inference.mann_whitney(TABLE[:, 1], x),
    "hodges_lehmann": lambda x: inference.hodges_lehmann(x, TABLE[:, 1]),
    "compare_spread": lambda x: inference.compare_spread(x, TABLE[:, 1]),
    "anova": lambda x: inference.anova([TABLE[:, 1], x]),
    "brown_forsythe": lambda x: inference.brown_forsythe([TABLE[:, 1], x]),
    "kruskal": lambda x: inference.kruskal([TABLE[:, 1], x]),
    "holm": lambda x: inference.holm(x / 5.0),
    "benjamini_hochberg": lambda x: inference.benjamini_hochberg(x / 5.0),
    "wilson": lambda x: inference.wilson(x, 9.0),
    "clopper_pearson": lambda x: inference.clopper_pearson(x, 9.0),
    "correlate": lambda x: structure.correlate(x, TABLE[:, 1]),
    "regress": lambda x: structure.regress(x, TABLE[:, 1:]),
    "drivers": lambda x: structure.drivers(x, TABLE[:, 1:]),
    "csat": satisfaction.csat,
    "nps": lambda x: satisfaction.nps(np.round(x)),
    "ces": satisfaction.ces,
    "cohen": lambda x: reliability.cohen(np.floor(x), np.floor(TABLE[:, 1]), 6),
}
OF_A_TABLE: dict[str, Callable[[Table], Any]] = {
    "entropy": weights.entropy,
    "critic": weights.critic,
    "merec": weights.merec,
    "rank_stability": lambda x: weights.rank_stability(x, [0.2, 0.3, 0.5], draws=5),
    "rank_reversals": lambda x: weights.rank_reversals(x, lambda rows: rows.sum(axis=1)),
    "composite": lambda x: composite.composite(np.where(np.isnan(x), np.inf, x), [1, 1, 1]),
    "chi_square": inference.chi_square,
    "correlation_matrix": structure.correlation_matrix,
    "adequacy": structure.adequacy,
    "eigenvalues": structure.eigenvalues,
    "parallel_analysis": lambda x: structure.parallel_analysis(x, draws=2),
    "factor_analysis": lambda x: structure.factor_analysis(x, 1),
    "varimax": structure.varimax,
    "promax": structure.promax,
    "cluster": lambda x: structure.cluster(x, 2),
    "choose_clusters": lambda x: structure.choose_clusters(x, 3),
    "silhouettes": lambda x: structure.silhouettes(x, np.arange(12) % 2),
    "variance_inflation": structure.variance_inflation,
    "cronbach": reliability.cronbach,
    "servqual": lambda x: satisfaction.servqual(x, TABLE, [0, 0, 1]),
}


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
@pytest.mark.parametrize("method", OF_A_SAMPLE)
def test_a_sample_with_what_is_no_number_is_refused(method: str, bad: float) -> None:
    sample = TABLE[:, 0].copy()
    OF_A_SAMPLE[method](sample)
    sample[4] = bad
    with pytest.raises(NotFinite):
        OF_A_SAMPLE[method](sample)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
@pytest.mark.parametrize("method", OF_A_TABLE)
def test_a_table_with_what_is_no_number_is_refused(method: str, bad: float) -> None:
    OF_A_TABLE[method](TABLE)
    table = TABLE.copy()
    table[0, 1] = bad
    with pytest.raises(NotFinite):
        OF_A_TABLE[method](table)


ELEMENTWISE = {
    "composite",
    "target_value",
    "quantise",
    "sketch",
    "holm",
    "benjamini_hochberg",
    "wilson",
    "clopper_pearson",
}


@pytest.mark.parametrize("method", sorted({*OF_A_SAMPLE, *OF_A_TABLE} - ELEMENTWISE))
def test_nothing_at_all_is_refused(method: str) -> None:
    call, nothing = (OF_A_SAMPLE, np.zeros(0)) if method in OF_A_SAMPLE else (OF_A_TABLE, np.zeros((0, 3)))
    with pytest.raises(QualityError):
        call[method](nothing)


def test_importing_does_not_import_scipy() -> None:
    code = (
        f"import sys\nfor m in {MODULES.split()}: __import__('andon_quality.' + m)\nassert 'scipy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
