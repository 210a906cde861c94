"""Files of each format, made from little, and what their records become."""

from __future__ import annotations

import gzip
import io
import zipfile
from xml.sax.saxutils import escape, quoteattr

import pyarrow as pa
import pytest
from andon_records.batches import batches_of
from andon_records.files.readers import inspect_or_propose
from andon_records.files.standard_mapping import SourceChoice


@pytest.fixture
def write(tmp_path):
    """A file of this name and content; compressed where the name says so."""

    def written(content, name):
        path = tmp_path / name
        data = content.encode() if isinstance(content, str) else content
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return path

    return written


@pytest.fixture
def events():
    """What a file becomes, less what is absent, and what is said of it; every record of it is answered for."""

    def read(path, mapping=None, choice=None, **options):
        file, mapping, said = inspect_or_propose(path, mapping, choice or SourceChoice())
        batches = list(batches_of(file, mapping, **options))
        assert sum(batch.rows for batch in batches) == file.records - options.get("skip_rows", 0)
        tables = [pa.ipc.open_stream(batch.arrow_ipc).read_all() for batch in batches if batch.events]
        rows = [row for table in tables for row in table.to_pylist()]
        made = [{name: value for name, value in row.items() if value is not None} for row in rows]
        why = [text for batch in batches for _, what in batch.set_aside.examples for text in [what.text()]]
        return made, [one.text() for one in said] + why

    return read


@pytest.fixture
def workbook():
    """A workbook as ECMA-376 has it. sheets: by name the XML of rows, or rows of (style, type, text) cells."""

    def cell(reference, given):
        if isinstance(given, str):
            return f'<c r="{reference}" t="inlineStr"><is><t>{escape(given)}</t></is></c>'
        style, kind, text = given
        return f'<c r="{reference}" s="{style}" t="{kind}">{text}</c>'

    def rows(given):
        made = []
        for number, row in enumerate(given, 1):
            cells = [cell(f"{'ABCDEFGH'[place]}{number}", one) for place, one in enumerate(row) if one is not None]
            made.append(f'<row r="{number}">{"".join(cells)}</row>')
        return "".join(made)

    def made(sheets, shared=(), styles="", from_1904=False, after="", states=()):
        names = list(sheets)
        listed = "".join(
            f'<sheet name={quoteattr(name)} sheetId="{n}" r:id="rId{n}" state="{dict(states).get(name, "visible")}"/>'
            for n, name in enumerate(names, 1)
        )
        relations = "".join(
            f'<Relationship Id="rId{n}" Target="worksheets/sheet{n}.xml"/>' for n in range(1, len(names) + 1)
        )
        parts = {
            "[Content_Types].xml": "<Types/>",
            "xl/workbook.xml": f'<workbook xmlns:r="r"><workbookPr date1904="{int(from_1904)}"/>'
            f"<sheets>{listed}</sheets></workbook>",
            "xl/_rels/workbook.xml.rels": f"<Relationships>{relations}</Relationships>",
            "xl/styles.xml": f"<styleSheet>{styles}</styleSheet>",
            "xl/sharedStrings.xml": "<sst>" + "".join(f"<si>{one}</si>" for one in shared) + "</sst>",
        }
        for n, name in enumerate(names, 1):
            body = sheets[name] if isinstance(sheets[name], str) else rows(sheets[name])
            parts[f"xl/worksheets/sheet{n}.xml"] = f"<worksheet><sheetData>{body}</sheetData>{after}</worksheet>"
        target = io.BytesIO()
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, text in parts.items():
                archive.writestr(name, text)
        return target.getvalue()

    return made
