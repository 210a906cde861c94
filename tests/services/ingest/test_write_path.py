"""How far one write of a small batch leads through ingest: few steps back into a file that it had left."""

from __future__ import annotations

from pathlib import Path

from tests.project.write_path import counted, traced

# Lower it when the path gets shorter.
RETURNS_MAX = 19


async def test_one_write_leads_through_ingest_with_few_returns(tmp_path: Path) -> None:
    tmp_path.chmod(0o711)
    entered = await traced(tmp_path)
    own = counted([stop for stop in entered if stop[0].startswith("ingest/")])
    assert own.returns <= RETURNS_MAX, "`python tests/project/write_path.py -v` names each stop"
    assert own.files > 20
