"""Weights from experts (AHP, BWM), from data (entropy, CRITIC, MEREC), from both; moving under a cap; stability."""

from andon_quality.weights.ahp import Ahp, ahp, group_judgements, most_inconsistent
from andon_quality.weights.bwm import Bwm, bwm
from andon_quality.weights.combined import Mix, combined
from andon_quality.weights.critic import critic
from andon_quality.weights.dynamic import WeightStep, dynamic
from andon_quality.weights.entropy import entropy
from andon_quality.weights.merec import merec
from andon_quality.weights.stability import RankStability, Reversal, rank_reversals, rank_stability

__all__ = [
    "Ahp",
    "Bwm",
    "Mix",
    "RankStability",
    "Reversal",
    "WeightStep",
    "ahp",
    "bwm",
    "combined",
    "critic",
    "dynamic",
    "entropy",
    "group_judgements",
    "merec",
    "most_inconsistent",
    "rank_reversals",
    "rank_stability",
]
