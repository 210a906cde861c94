"""Transfers of files as a table."""

from __future__ import annotations

from collections.abc import Sequence

from andon.ingest.v1 import transfer_pb2 as pb

from andon_client.presentation.formats import when
from andon_client.presentation.phrases import named, say
from andon_client.presentation.tables import Table, TableCell, table_columns


def transfers_table(transfers: Sequence[pb.Transfer], locale: str) -> Table:
    rows = [
        [
            TableCell(one.name),
            TableCell(one.file_name),
            TableCell(one.source),
            TableCell(
                named(pb.TransferState, one.state, locale),
                tone="bad" if one.state == pb.TRANSFER_STATE_FAILED else "",
            ),
            TableCell(_share(one)),
            TableCell(f"{one.accepted_count:,}"),
            TableCell(f"{one.duplicate_count:,}"),
            TableCell(f"{one.quarantined_count + one.unreadable_count:,}"),
            TableCell(when(one.create_time)),
        ]
        for one in transfers
    ]
    names = ("=name", "file", "=source", "state", ">progress", ">accepted", ">duplicate", ">refused_rows", "created")
    return Table(say("transfers", locale), table_columns(locale, *names), rows)


def _share(one: pb.Transfer) -> str:
    """Of the bytes while they are uploaded, then of the records."""
    if one.state == pb.TRANSFER_STATE_UPLOADING:
        return f"{one.uploaded_bytes / max(1, one.byte_count):.0%}"
    return f"{one.row_done_count / one.row_count:.0%}" if one.row_count else "-"
