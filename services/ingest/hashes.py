"""64-bit keyed multilinear hashes of texts, computed on the Arrow buffers."""

from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import cast

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]

# Texts that are hashed have at most 200 characters of at most 4 bytes; longer ones reuse the keys from the start.
_KEY_PAIRS = 100
_LOW = np.uint64(0xFFFFFFFF)
_FULL = np.uint64(0xFFFFFFFFFFFFFFFF)


@dataclass(frozen=True, eq=False)
class HashKey:
    """Random odd multipliers, one pair for each 8 bytes, and a seed. Each is one of its own, to remember hashes by."""

    seed: np.uint64
    low: Hashes
    high: Hashes


def hash_key(secret: bytes) -> HashKey:
    """The same secret gives the same key on every machine."""
    words = [
        blake2b(secret, digest_size=64, salt=block.to_bytes(16, "little")).digest()
        for block in range((2 * _KEY_PAIRS + 1 + 7) // 8)
    ]
    numbers = np.frombuffer(b"".join(words), dtype="<u8")
    odd = numbers | np.uint64(1)
    return HashKey(numbers[0], odd[1 : 1 + _KEY_PAIRS].copy(), odd[1 + _KEY_PAIRS : 1 + 2 * _KEY_PAIRS].copy())


def text_spans(texts: pa.Array) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.int64]]:
    """The bytes of a text column, and where each value starts and how long it is. A null is empty."""
    _, offsets_buffer, data_buffer = texts.buffers()
    if len(texts) == 0:
        empty = np.zeros(0, dtype=np.int64)
        return np.zeros(0, dtype=np.uint8), empty, empty
    offsets = np.frombuffer(offsets_buffer, dtype=np.int32, count=texts.offset + len(texts) + 1)[texts.offset :]
    data = np.zeros(0, np.uint8) if data_buffer is None else np.frombuffer(data_buffer, dtype=np.uint8)
    first = int(offsets[0])
    starts = offsets[:-1].astype(np.int64) - first
    lengths = np.diff(offsets).astype(np.int64)
    if texts.null_count:
        lengths[texts.is_null().to_numpy(zero_copy_only=False)] = 0
    return data[first : int(offsets[-1])], starts, lengths


def hash_texts(texts: pa.Array, key: HashKey) -> Hashes:
    """h = mix(seed * (length + 1) + sum over 8-byte words of (low + a_j) * (high + b_j)) modulo 2**64.

    Cost: a dozen numpy operations over the rows for each 8 bytes of the longest text. Equal texts have equal hashes;
    different ones collide by chance only, so a hit is a suspicion that the texts themselves must confirm.
    """
    data, starts, lengths = text_spans(texts)
    total = (lengths + 1).astype(np.uint64) * (key.seed | np.uint64(1))
    if len(data) == 0:
        return mix(total)
    longest, shortest = int(lengths.max()), int(lengths.min())
    if longest == shortest:
        # Ids are mostly of one length; then every step reads one column of a matrix.
        matrix = np.zeros((len(lengths), -(-longest // 8) * 8), dtype=np.uint8)
        matrix[:, :longest] = data.reshape(len(lengths), longest)
        for step, word in enumerate(np.ascontiguousarray(matrix.view("<u8").T)):
            total += _term(word, key, step)
        return mix(total)
    padded = np.zeros(len(data) + 8, dtype=np.uint8)
    padded[: len(data)] = data
    words = np.ndarray((len(data) + 1,), dtype="<u8", buffer=padded.data, strides=(1,))
    for step, begin in enumerate(range(0, longest, 8)):
        if begin + 8 <= shortest:
            total += _term(words[starts + begin], key, step)
            continue
        rows = np.flatnonzero(lengths > begin)
        rest = np.minimum(lengths[rows] - begin, 8).astype(np.uint64)
        word = words[starts[rows] + begin] & (_FULL >> (np.uint64(64) - rest * np.uint64(8)))
        total[rows] += _term(word, key, step)
    return mix(total)


def _term(word: Hashes, key: HashKey, step: int) -> Hashes:
    slot = step % _KEY_PAIRS
    low = (word & _LOW) + key.low[slot]
    high = (word >> np.uint64(32)) + key.high[slot]
    return cast(Hashes, low * high)


def mix(values: Hashes) -> Hashes:
    """Spreads every bit over all 64 (the finaliser of MurmurHash3); a bijection."""
    mixed = values ^ (values >> np.uint64(33))
    mixed *= np.uint64(0xFF51AFD7ED558CCD)
    mixed ^= mixed >> np.uint64(33)
    mixed *= np.uint64(0xC4CEB9FE1A85EC53)
    mixed ^= mixed >> np.uint64(33)
    return mixed


@lru_cache(maxsize=4_096)
def hash_name(name: str, key: HashKey) -> np.uint64:
    """The hash of one of few short texts that come again and again."""
    return cast(np.uint64, hash_texts(pa.array([name], pa.string()), key)[0])
