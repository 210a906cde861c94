"""Did the action work: an effect with an interval, and the verdict that interval allows."""

from andon_quality.effect.before_after import before_after
from andon_quality.effect.proportion import before_after_proportion
from andon_quality.effect.verdict import Check, Direction, Effect, Verdict, decide

__all__ = ["Check", "Direction", "Effect", "Verdict", "before_after", "before_after_proportion", "decide"]
