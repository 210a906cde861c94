"""Sums over all points before the alarm, without a difference: every digit is kept however rare the alarm is."""

from __future__ import annotations

import numpy as np

from andon_quality.arrays import FloatArray


def until_alarm(kernels: FloatArray, escapes: FloatArray, right: FloatArray) -> FloatArray:
    """(I - K)^-1 right for kernels of shape (..., n, n), by the chances that each state alarms, shape (..., n).

    I - K loses the alarm's chance where that is small next to one; here the diagonal of K is not read at all: the
    chance of leaving a state is the sum of where it leads to, alarm included, so that states are taken out one by one
    with sums, products and quotients alone. Relative errors are about n times those of the entries, for any ARL that a
    double holds; infinite where a state is never left. right: shape (..., n), not negative. Cost n^3 / 3 in n steps, so
    some ten times that of a dense solve. Source: Grassmann, Taksar and Heyman (1985), Operations Research 33,
    1107-1116; O'Cinneide (1993), Numerische Mathematik 65, 109-120, for the errors.

    >>> until_alarm(np.array([[0.0, 0.5], [1.0, 0.0]]), np.array([0.5, 1e-200]), np.array([1.0, 1.0])).tolist()
    [3.0, 4.0]
    """
    left, out, total = kernels.astype(np.float64), escapes.astype(np.float64), right.astype(np.float64)
    states = kernels.shape[-1]
    leaves = np.empty_like(out)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        for state in range(states - 1, -1, -1):
            leaves[..., state] = out[..., state] + left[..., state, :state].sum(axis=-1)
            visits = left[..., :state, state] / leaves[..., state, None]
            left[..., :state, :state] += visits[..., None] * left[..., state, None, :state]
            out[..., :state] += visits * out[..., state, None]
            total[..., :state] += visits * total[..., state, None]
        for state in range(states):
            onward = (left[..., state, :state] * total[..., :state]).sum(axis=-1)
            total[..., state] = (total[..., state] + onward) / leaves[..., state]
    return np.where(np.isfinite(total), total, np.inf)


def until_alarm_of_band(kernel: FloatArray, escape: FloatArray, up: int, down: int) -> FloatArray:
    """`until_alarm` for the mean alone where no step leads further than `up` states up or `down` states down.

    From each state a step may also lead to state 0. kernel: shape (n, n), used up; escape: shape (n,). Cost n up down.

    >>> until_alarm_of_band(np.array([[0.5, 0.25], [1.0, 0.0]]), np.array([0.25, 0.0]), 1, 1).tolist()
    [5.0, 6.0]
    """
    out, total = escape.copy(), np.ones(len(escape))
    leaves, states = np.empty_like(out), len(escape)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        for state in range(states - 1, -1, -1):
            below, onward = slice(max(state - up, 0), state), slice(max(state - down, min(state, 1)), state)
            reset = kernel[state, 0] if state else 0.0
            leaves[state] = out[state] + reset + kernel[state, onward].sum()
            visits = kernel[below, state] / leaves[state]
            kernel[below, onward] += visits[:, None] * kernel[state, onward]
            kernel[below, 0] += visits * reset
            out[below] += visits * out[state]
            total[below] += visits * total[state]
        for state in range(states):
            onward = slice(max(state - down, min(state, 1)), state)
            reset = kernel[state, 0] * total[0] if state else 0.0
            total[state] = (total[state] + reset + kernel[state, onward] @ total[onward]) / leaves[state]
    return np.where(np.isfinite(total), total, np.inf)
