"""Weights from pairwise judgements, refused when the judgements contradict each other too much."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from andon_quality.arrays import FloatArray, finite
from andon_quality.errors import Inconsistent, OutOfRange, TooFew
from andon_quality.result import Result

RANDOM_INDEX = (0.0, 0.0, 0.58, 0.90, 1.12, 1.24, 1.32, 1.41, 1.45, 1.49, 1.51, 1.48, 1.56, 1.57, 1.59)
"""Mean consistency index of random matrices of size 1..15 (Saaty, 1980). A later table of his (.52 .89 1.11 1.25 ...)
is also in use; it is not used here."""
RECIPROCAL_TOLERANCE = 1e-6


@dataclass(frozen=True)
class Ahp(Result):
    """Weights (sum 1), the principal eigenvalue, the consistency index (lambda - n) / (n - 1), its ratio to chance."""

    weights: FloatArray
    eigenvalue_max: float
    consistency_index: float
    consistency_ratio: float


def ahp(judgements: ArrayLike, ratio_max: float | None = 0.10) -> Ahp:
    """Analytic hierarchy process: the principal right eigenvector of a matrix of pairwise judgements.

    A w = lambda w, CI = (lambda - n) / (n - 1), CR = CI / RI(n) with Saaty's random index.
    judgements: shape (n, n), 1 <= n <= 15; entry [i, j] says how many times more important i is than j, with
    [j, i] its reciprocal. ratio_max: refuse above it; None only reports. Cost O(n^3).
    Prefer `bwm` when n is large (2n - 3 judgements instead of n(n-1)/2) and data-driven weights without experts.
    Raises TooFew, NotFinite, OutOfRange for entries <= 0 or n > 15, Inconsistent when the matrix is not reciprocal
    or CR > ratio_max. Source: Saaty, 1977, Journal of Mathematical Psychology 15:234.

    >>> result = ahp([[1, 2, 6], [1/2, 1, 3], [1/6, 1/3, 1]])
    >>> result.weights.round(6).tolist(), round(abs(result.consistency_ratio), 6)
    ([0.6, 0.3, 0.1], 0.0)
    """
    matrix = _reciprocal(judgements)
    size = len(matrix)
    eigenvalues, vectors = np.linalg.eig(matrix)
    first = int(np.argmax(eigenvalues.real))
    principal = np.abs(vectors[:, first].real)
    eigenvalue_max = float(eigenvalues[first].real)
    index = (eigenvalue_max - size) / (size - 1) if size > 1 else 0.0
    ratio = index / RANDOM_INDEX[size - 1] if size > 2 else 0.0
    if ratio_max is not None and ratio > ratio_max:
        raise Inconsistent(f"consistency ratio {ratio:.4f} is above {ratio_max}: ask the judgements again")
    return Ahp(principal / principal.sum(), eigenvalue_max, index, ratio)


def _reciprocal(judgements: ArrayLike) -> FloatArray:
    matrix = finite(judgements, at_least=1)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise TooFew("judgements must be a square matrix")
    if len(matrix) > len(RANDOM_INDEX):
        raise OutOfRange(f"at most {len(RANDOM_INDEX)} criteria; group them in a hierarchy")
    if (matrix <= 0.0).any():
        raise OutOfRange("judgements are ratios above zero")
    if not np.allclose(matrix * matrix.T, 1.0, rtol=0.0, atol=RECIPROCAL_TOLERANCE):
        raise Inconsistent("judgement [j, i] must be the reciprocal of [i, j]")
    return matrix


def group_judgements(matrices: ArrayLike, voices: ArrayLike | None = None) -> FloatArray:
    """One matrix from several experts: the weighted geometric mean of their judgements, reciprocal again.

    matrices: shape (experts >= 1, n, n), each as `ahp` takes it; voices: shape (experts,), relative, default equal.
    Check each expert's ratio by `ahp` first: the mean hides contradictions. Prefer the mean of the experts' weights
    when they answered different questions. Cost O(experts n^2). Raises TooFew, NotFinite, OutOfRange, Inconsistent.
    Source: Aczel and Saaty, 1983, Journal of Mathematical Psychology 27:93.

    >>> group_judgements([[[1, 2], [1/2, 1]], [[1, 8], [1/8, 1]]]).round(6).tolist()
    [[1.0, 4.0], [0.25, 1.0]]
    """
    table = finite(matrices, at_least=1)
    if table.ndim != 3:
        raise TooFew("needs one matrix per expert")
    every = np.stack([_reciprocal(matrix) for matrix in table])
    voice = np.ones(len(every)) if voices is None else finite(voices)
    if voice.shape != (len(every),):
        raise Inconsistent("needs one voice per expert")
    if (voice < 0.0).any() or not voice.sum() > 0.0:
        raise OutOfRange("a voice is never negative, and not all are zero")
    return np.asarray(np.exp(np.tensordot(voice / voice.sum(), np.log(every), axes=1)), dtype=np.float64)


def most_inconsistent(judgements: ArrayLike) -> tuple[int, int, float]:
    """The judgement that contradicts the weights most: (i, j, the ratio w_i / w_j that the others imply).

    The pair with the largest |ln(a_ij w_j / w_i)|, i < j: what to ask again first; prefer `bwm` for another try with
    fewer questions. judgements: shape (n, n), as `ahp` takes it. Cost O(n^3).
    Raises what `ahp` raises for a malformed matrix, TooFew for n < 2.
    Source: Saaty, 2003, European Journal of Operational Research 145:85.

    >>> i, j, implied = most_inconsistent([[1, 2, 1/6], [1/2, 1, 3], [6, 1/3, 1]])
    >>> i, j, round(implied, 2)
    (0, 2, 0.55)
    """
    weights = ahp(judgements, ratio_max=None).weights
    matrix = _reciprocal(judgements)
    if len(matrix) < 2:
        raise TooFew("one criterion has no judgement")
    implied = weights[:, None] / weights
    gaps = np.triu(np.abs(np.log(matrix / implied)), k=1)
    i, j = np.unravel_index(int(np.argmax(gaps)), gaps.shape)
    return int(i), int(j), float(implied[i, j])
