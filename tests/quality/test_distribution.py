"""The library is usable alone: what it imports, what its front page shows, how its results print and plot."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import andon_quality
import matplotlib
import numpy as np
import pytest
from andon_quality import effect, errors, funnel, pareto, trend
from andon_quality.control import cusum, run_chart, xmr
from andon_quality.errors import Inconsistent, MissingExtra
from andon_quality.inference import Interval, welch
from andon_quality.result import Result, cell, table
from matplotlib.patches import Rectangle

matplotlib.use("Agg")
QUALITY = Path(andon_quality.__file__).parents[1]
PROJECT = tomllib.loads((QUALITY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
ALONE = """
import importlib, pkgutil, sys
ALLOWED = {"numpy", "scipy", "andon_quality"}
class Guard:
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        if top not in ALLOWED | set(sys.stdlib_module_names) and not top.startswith("_sysconfigdata"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Guard())
import andon_quality
names = [module.name for module in pkgutil.walk_packages(andon_quality.__path__, "andon_quality.")]
for name in names:
    importlib.import_module(name)
print(len(names))
"""


def run(program: str) -> str:
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd="/")
    assert found.returncode == 0, found.stderr
    return found.stdout.strip()


def test_every_module_imports_with_numpy_and_scipy_only() -> None:
    assert int(run(ALONE)) > 140


def test_the_library_is_light_to_import_and_loads_a_module_when_it_is_first_used() -> None:
    program = (
        "import sys, andon_quality as aq; assert not {'numpy', 'scipy', 'matplotlib'} & set(sys.modules);"
        "print(round(aq.arl.cusum(0.5, 4.0), 5), round(aq.control.xmr.baseline([1.0, 2.0]).centre.item(), 1));"
        "assert 'matplotlib' not in sys.modules and 'andon_quality.trend' not in sys.modules"
    )
    assert run(program) == "167.68379 1.5"


def test_every_module_and_package_of_the_top_is_reached_from_the_library() -> None:
    folder = QUALITY / "andon_quality"
    there = {path.stem for path in folder.glob("*.py")} | {path.parent.name for path in folder.glob("*/__init__.py")}
    assert set(andon_quality.__all__) == there - {"__init__", "arguments", "arrays"}
    for name in andon_quality.__all__:
        assert getattr(andon_quality, name).__name__ == f"andon_quality.{name}"
    assert set(andon_quality.__all__) <= set(dir(andon_quality))
    charts = {path.stem for path in (folder / "control").glob("*.py")} - {"__init__"}
    assert set(andon_quality.control.__all__) == charts
    assert all(getattr(andon_quality.control, name) for name in charts)


@pytest.mark.parametrize("module", [andon_quality, andon_quality.control])
def test_a_name_that_is_not_there_is_an_attribute_error(module: Any) -> None:
    with pytest.raises(AttributeError, match="has no attribute 'cusums'"):
        module.cusums  # noqa: B018


def test_the_version_is_that_of_the_distribution_and_the_package_is_typed() -> None:
    assert andon_quality.__version__ == PROJECT["version"]
    assert (QUALITY / "andon_quality" / "py.typed").exists()
    assert "Typing :: Typed" in PROJECT["classifiers"]
    assert {dependency.partition(">")[0] for dependency in PROJECT["dependencies"]} == {"numpy", "scipy"}


def test_the_example_of_the_front_page_runs_and_shows_what_it_says() -> None:
    page = (QUALITY / PROJECT["readme"]).read_text(encoding="utf-8")
    names: dict[str, Any] = {"print": lambda *shown: None}
    for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL):
        exec(block, names)  # noqa: S102
    chart, hours, aq = names["chart"], names["hours"], names["aq"]
    assert not chart.beyond.any()
    assert np.flatnonzero(names["calibrated"].monitor(hours[30:]).alarms)[0] == 3
    assert names["effect"].verdict.value == "worse"
    figures = (aq.arl.shewhart(["WE1"]), aq.arl.shewhart(["WE1"], shift=1.8))
    assert (*figures, aq.arl.cusum(0.5, 5.0), aq.arl.cusum(0.5, 5.0, shift=1.8)) == pytest.approx(
        tuple(float(stated) for stated in re.findall(r"\b\d+\.\d{4}\b", page)[:4]), abs=5e-5
    )


def test_every_module_that_the_front_page_names_is_there() -> None:
    page = (QUALITY / "README.md").read_text(encoding="utf-8")
    listed = page[page.index("| module |") : page.index("- Every module")]
    named = {
        name for line in listed.splitlines()[2:] if line for name in re.findall(r"`(\w+)`", line.split("|")[1])
    } - {""}
    assert named == set(andon_quality.__all__) - {"errors", "plot", "result"}


# Tables


def test_a_comparison_prints_its_figures_its_interval_and_its_checks() -> None:
    lines = str(welch([3.0, 4.0, 5.0, 6.0], [1.0, 2.0, 3.0, 4.0])).splitlines()
    assert lines[0] == "Comparison"
    assert "  effect     2" in lines
    assert "    upper       4.23371" in lines
    assert any(line.split()[-2:] == ["correlation", "0.250"] for line in lines)


def test_a_chart_prints_a_row_for_each_point_and_leaves_out_the_middle_of_a_long_one() -> None:
    x = np.arange(50.0) % 7
    chart = xmr.chart(xmr.baseline(x), x)
    lines = str(chart).splitlines()
    assert lines[3].split() == ["statistic", "centre", "lower", "upper", "sigma"]
    assert [line.split()[0] for line in lines[4:]] == [*map(str, range(10)), "...", *map(str, range(40, 50))]
    assert lines[5].split()[1] == "1"
    assert len(str(xmr.chart(xmr.baseline(x), x[:20])).splitlines()) == 24


def test_parts_of_one_kind_share_a_table_and_a_result_keeps_its_repr() -> None:
    study = andon_quality.capability.of([1.0, 2.0, 3.0, 2.0], andon_quality.capability.Specification(0.0, 5.0))
    lines = [line.split() for line in str(study).splitlines()]
    assert ["value", "lower", "upper"] in lines
    assert [line[0] for line in lines if line and line[0].startswith("cp")] == ["cp", "cpl", "cpu", "cpk", "cpm"] * 2
    assert repr(Interval(1.0, 2.0, 0.9)) == "Interval(lower=1.0, upper=2.0, confidence=0.9)"


def test_many_series_print_their_figures_by_series() -> None:
    lines = str(welch(np.arange(8.0).reshape(2, 4) ** 2, [1.0, 2.0, 3.0, 4.0])).splitlines()
    assert ["effect", "statistic", "df", "p_value"] in [line.split() for line in lines]
    assert [line.split()[0] for line in lines if line.split()[:1] in (["0"], ["1"])][:2] == ["0", "1"]
    grid = xmr.chart(xmr.baseline(np.arange(8.0).reshape(2, 4)), np.zeros((2, 4)))
    assert "  statistic  array of shape (2, 4)" in str(grid).splitlines()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"),
        (np.bool_(False), "no"),
        (1e-12, "1e-12"),
        (np.float64(370.39834), "370.398"),
        (np.array(2.5), "2.5"),
        (effect.Verdict.WORSE, "worse"),
        (("a", 1.0), "a, 1"),
        (tuple(range(9)), "0, 1, 2, 3, 4, 5, 6, 7, ..."),
        ({"team": "B"}, "team: B"),
        (Interval(1.0, 2.0, 0.9), "lower 1, upper 2, confidence 0.9"),
        (7, "7"),
    ],
)
def test_a_value_prints_as_a_reader_writes_it(value: object, text: str) -> None:
    assert cell(value) == text


def test_what_is_no_dataclass_has_no_table() -> None:
    with pytest.raises(TypeError, match="a table is made of a dataclass, got int"):
        table(3)
    assert issubclass(xmr.chart(xmr.baseline([1.0, 2.0]), [1.0]).__class__, Result)


# Plots


@pytest.fixture(autouse=True)
def _no_figure_stays_open() -> Any:
    yield
    from matplotlib import pyplot

    pyplot.close("all")


def test_a_chart_draws_its_points_its_limits_and_in_red_what_lies_beyond() -> None:
    chart = xmr.chart(xmr.baseline([9.0, 10.0, 11.0, 10.0]), [10.0, 13.0, np.nan, 9.0])
    axes = chart.plot()
    points, centre, lower, upper, alarms = (np.asarray(line.get_ydata(), dtype=float) for line in axes.lines)
    assert np.array_equal(points, chart.statistic, equal_nan=True)
    assert np.array_equal(centre, chart.centre)
    assert (lower[0], upper[0]) == (chart.lower[0], chart.upper[0])
    assert alarms.tolist() == [13.0]
    assert axes.get_ylabel() == "individuals"
    assert chart.plot(axes) is axes


def test_limits_that_are_infinite_are_not_drawn() -> None:
    axes = andon_quality.control.time_between.chart(
        andon_quality.control.time_between.baseline([1.0, 2.0, 3.0, 4.0]), [1.0, 2.0]
    ).plot()
    assert all(np.isfinite(np.asarray(line.get_ydata(), dtype=float)).all() for line in axes.lines[:2])


def test_pairs_sums_and_run_charts_draw_what_they_hold() -> None:
    x = np.array([9.0, 10.0, 11.0, 10.0, 12.0, 15.0])
    frozen = xmr.baseline(x[:4])
    above, below = xmr.advance(frozen, xmr.start(frozen), x)[1].plot()
    assert (above.get_ylabel(), below.get_ylabel()) == ("individuals", "moving range")
    assert len(cusum.chart(frozen, x).plot().lines) == 10
    assert len(run_chart.chart(run_chart.baseline(x), x).plot().lines) == 3


def test_pareto_funnel_forecast_decomposition_counterfactual_and_effect_draw_what_they_hold() -> None:
    bars = pareto.pareto(["late", "lost", "rude"], [5.0, 3.0, 1.0]).plot()
    assert [patch.get_height() for patch in bars.patches if isinstance(patch, Rectangle)] == [5.0, 3.0, 1.0]
    sizes = [100.0, 50.0, 200.0]
    units = funnel.proportions([10, 9, 30], sizes)
    assert len(units.plot(sizes).lines) == 2 + 2 * len(units.levels)
    series = np.tile([1.0, 2.0, 3.0, 4.0], 10) + 0.1 * np.sin(np.arange(40))
    foreseen = trend.forecast(series, 5)
    assert np.array_equal(foreseen.plot().lines[0].get_ydata(), foreseen.mean)
    assert [axes.get_ylabel() for axes in trend.seasonal_trend(series, 4).plot()] == ["trend", "season", "rest"]
    without = effect.structural(series, 30)
    assert np.array_equal(without.plot().lines[0].get_ydata(), without.expected)
    assert without.effect.plot().get_title() == without.effect.verdict.value


def test_a_figure_shows_one_series() -> None:
    chart = xmr.chart(xmr.baseline(np.arange(8.0).reshape(2, 4)), np.zeros((2, 4)))
    with pytest.raises(Inconsistent, match=r"a figure shows one series, got shape \(2, 4\)"):
        chart.plot()


def test_without_matplotlib_a_plot_says_what_to_install() -> None:
    program = ALONE + (
        "from andon_quality.control import xmr\n"
        "for draw in (xmr.chart(xmr.baseline([1.0, 2.0]), [1.0]).plot,"
        " xmr.advance(xmr.baseline([1.0, 2.0]), xmr.start(xmr.baseline([1.0, 2.0])), [1.0])[1].plot):\n"
        "    try:\n        draw()\n"
        "    except ImportError as error:\n        print(type(error).__name__, error)\n"
    )
    line = 'MissingExtra plots need matplotlib: pip install "andon-quality[plot]"'
    assert run(program).splitlines()[1:] == [line, line]
    assert issubclass(MissingExtra, errors.QualityError)
