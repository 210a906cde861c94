"""Did the action work: an effect with an interval, and the verdict that interval allows."""

from andon_quality.effect.always_valid import EffectWatch, always_valid, begin, look
from andon_quality.effect.baseline_level import (
    BaselineLevel,
    Outlook,
    ShareCounts,
    baseline_level,
    checks,
    level_change,
    outlook,
)
from andon_quality.effect.before_after import before_after
from andon_quality.effect.cuped import cuped
from andon_quality.effect.difference_in_differences import difference_in_differences
from andon_quality.effect.interrupted import interrupted_counts, interrupted_means
from andon_quality.effect.proportion import before_after_proportion
from andon_quality.effect.season import Cycle, Season, fit_season
from andon_quality.effect.sequential import sequential
from andon_quality.effect.structural import structural
from andon_quality.effect.verdict import Direction, Effect, EffectCheck, Verdict, decide

__all__ = [
    "BaselineLevel",
    "Cycle",
    "Direction",
    "Effect",
    "EffectCheck",
    "EffectWatch",
    "Outlook",
    "Season",
    "ShareCounts",
    "Verdict",
    "always_valid",
    "baseline_level",
    "before_after",
    "before_after_proportion",
    "begin",
    "checks",
    "cuped",
    "decide",
    "difference_in_differences",
    "fit_season",
    "interrupted_counts",
    "interrupted_means",
    "level_change",
    "look",
    "outlook",
    "sequential",
    "structural",
]
