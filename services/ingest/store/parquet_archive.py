"""The archive of segments as Parquet files in a folder or an S3-compatible store."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

import pyarrow.fs as pafs

from services.ingest.log.archive import ArchiveDamaged, ArchivePlace
from services.ingest.log.parquet_segments import opened, unpacked
from services.ingest.log.segments import encoded

ResultT = TypeVar("ResultT")

# What waits for a disk or a network must not hold the threads that compute.
_POOL = ThreadPoolExecutor(4, thread_name_prefix="archive")


class ParquetArchive:
    """url: a folder, or s3://bucket/prefix?region=... with the options of pyarrow's filesystem.

    The key and secret of S3 come from the environment, as the tools of AWS take them (AWS_ACCESS_KEY_ID and others).
    """

    def __init__(self, url: str) -> None:
        files, root = pafs.FileSystem.from_uri(url) if "://" in url else (pafs.LocalFileSystem(), url)
        self._is_local = isinstance(files, pafs.LocalFileSystem)
        self._files = pafs.SubTreeFileSystem(root, files)

    async def store(self, key: str, content: bytes) -> None:
        await _apart(partial(self._store, key, content))

    async def content(self, key: str) -> bytes:
        return await _apart(partial(self._content, key))

    async def events(self, places: Sequence[ArchivePlace]) -> list[bytes]:
        return await _apart(partial(self._events, places))

    def _store(self, key: str, content: bytes) -> None:
        if not self._is_local:
            # S3 shows an object when it is whole.
            self._write(key, content)
            return
        self._files.create_dir(key.rpartition("/")[0], recursive=True)
        self._write(f"{key}.part", content)
        self._files.move(f"{key}.part", key)

    def _write(self, key: str, content: bytes) -> None:
        with self._files.open_output_stream(key) as sink:
            sink.write(content)

    def _content(self, key: str) -> bytes:
        try:
            with self._files.open_input_file(key) as file:
                content: bytes = file.read()
        except FileNotFoundError as error:
            raise ArchiveDamaged(f"no file {key} in the archive") from error
        return content

    def _events(self, places: Sequence[ArchivePlace]) -> list[bytes]:
        found: dict[ArchivePlace, bytes] = {}
        for key in dict.fromkeys(place.key for place in places):
            try:
                with self._files.open_input_file(key) as source:
                    file = opened(source)
                    for place in places:
                        if place.key == key:
                            found[place] = encoded(unpacked(file, place.group))
            except FileNotFoundError as error:
                raise ArchiveDamaged(f"no file {key} in the archive") from error
        return [found[place] for place in places]


async def _apart(act: Callable[[], ResultT]) -> ResultT:
    return await asyncio.get_running_loop().run_in_executor(_POOL, act)
