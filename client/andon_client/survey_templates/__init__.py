"""Shipped surveys, as documents that `andon survey create` reads."""

from pathlib import Path

FOLDER = Path(__file__).parent


def survey_templates() -> dict[str, Path]:
    """By name."""
    return {path.stem: path for path in sorted(FOLDER.glob("*.yaml"))}
