"""What every streaming form must do: hold no more after a long stream than after a short one."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pytest
from andon_quality.anomaly import advance as watch_on
from andon_quality.anomaly import start
from andon_quality.arrays import FloatArray
from andon_quality.describe import Moments, QuantileSketch
from andon_quality.effect import begin, look
from andon_quality.trend import Smoother, SmootherState
from andon_quality.trend import advance as smooth_on

PAGE = 40


def watched(pages: Iterable[FloatArray]) -> Any:
    state = start(24)
    for page in pages:
        state, _ = watch_on(state, page)
    return state


def judged(pages: Iterable[FloatArray]) -> Any:
    watch = begin(np.sin(np.arange(50.0) ** 2))
    for page in pages:
        for value in page[:3]:
            watch, _ = look(watch, value)
    return watch


def smoothed(pages: Iterable[FloatArray]) -> Any:
    state = SmootherState(0.0, 0.0, (0.0,) * 24)
    for page in pages:
        state, _ = smooth_on(Smoother(0.3, 0.1, 0.2, 0.9, 24), state, page)
    return state


def described(pages: Iterable[FloatArray]) -> Any:
    moments, sketch = Moments(), QuantileSketch()
    for page in pages:
        moments, sketch = moments + Moments().add(int(page[0])), sketch.add(page)
    return moments, sketch


STREAMS = {"anomaly": watched, "always_valid": judged, "smoothing": smoothed, "describe": described}


@pytest.mark.parametrize("stream", STREAMS)
def test_a_state_is_as_large_after_a_long_stream_as_after_a_short_one(stream: str) -> None:
    follow: Callable[[Iterable[FloatArray]], Any] = STREAMS[stream]
    values = np.resize(np.random.default_rng(1).integers(1, 100, 10 * PAGE).astype(np.float64), (120, PAGE))
    short, long = (len(pickle.dumps(follow(values[:pages]))) for pages in (30, 120))
    assert long <= short + 64
