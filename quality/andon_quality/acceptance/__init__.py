"""Acceptance sampling: whether to take a lot, from a sample of it."""

from andon_quality.acceptance.attributes import AttributesPlan, find_attributes_plan
from andon_quality.acceptance.variables import VariablesPlan, find_variables_plan

__all__ = ["AttributesPlan", "VariablesPlan", "find_attributes_plan", "find_variables_plan"]
