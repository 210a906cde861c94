"""Files for their owner's eyes only, there whole or not at all whatever happens to who writes them."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import IO


class FolderInUse(RuntimeError):
    """Another process holds this folder."""


def write_private(file: Path, content: str | bytes) -> None:
    """Replaces the file in one step, so that a reader sees the old or the new content and nothing between."""
    unfinished = file.with_name(f".{file.name}.{os.getpid()}")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content.encode() if isinstance(content, str) else content)
        stream.flush()
        os.fsync(stream.fileno())
    unfinished.replace(file)


def hold(file: Path) -> IO[str]:
    """Holds the folder of `file` for this process until the answer is closed or the process ends."""
    stream = file.open("a+")
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        stream.seek(0)
        holder = stream.read().strip()
        stream.close()
        raise FolderInUse(f"{file.parent} is in use by another process ({holder or 'just starting'})") from error
    stream.truncate(0)
    stream.write(f"pid {os.getpid()}\n")
    stream.flush()
    return stream
