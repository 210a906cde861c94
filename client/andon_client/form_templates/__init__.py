"""Shipped observation forms, as documents that `andon form create` reads."""

from pathlib import Path

FOLDER = Path(__file__).parent


def form_templates() -> dict[str, Path]:
    """By name."""
    return {path.stem: path for path in sorted(FOLDER.glob("*.yaml"))}
