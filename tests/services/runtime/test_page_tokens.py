"""A page token fits the list that gave it, and no other."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from andon.improvement.v1 import improvement_pb2
from andon.ingest.v1 import ingest_pb2
from andon.scoring.v1 import scoring_pb2
from hypothesis import given
from hypothesis import strategies as st

from services.runtime.errors import InvalidArgument
from services.runtime.identity import Caller, calling
from services.runtime.page_tokens import page_size, page_token, place_of


@contextmanager
def of(tenant: str) -> Iterator[None]:
    with calling(Caller("tester", tenant, frozenset())):
        yield


def refused(request: Any, *first: Any) -> str:
    with pytest.raises(InvalidArgument) as caught:
        place_of(request, *first)
    (violation,) = caught.value.field_violations
    assert violation.field == "page_token"
    return violation.reason


@given(st.floats(allow_nan=False), st.text(), st.integers())
def test_a_token_leads_back_to_its_place(severity: float, name: str, number: int) -> None:
    request = improvement_pb2.ListProblemsRequest()
    with of("acme"):
        request.page_token = page_token(request, severity, name, number)
        assert place_of(request, math.inf, "", -1) == [severity, name, number]


def test_without_a_token_a_list_begins() -> None:
    with of("acme"):
        assert place_of(ingest_pb2.ListSourcesRequest(), "") == [""]


def test_a_token_is_bound_to_tenant_method_and_filter() -> None:
    scores = scoring_pb2.ListScoresRequest(filter=scoring_pb2.SeriesFilter(process="desk"), page_size=3)
    with of("acme"):
        token = page_token(scores, "a")
        scores.page_token = token
        scores.page_size, scores.at_least = 500, "a later cursor"
        assert place_of(scores, "") == ["a"]
        other_filter = scoring_pb2.ListScoresRequest(page_token=token)
        other_method = scoring_pb2.ListSignalsRequest(filter=scores.filter, page_token=token)
        for request in (other_filter, other_method):
            assert refused(request, "") == "PAGE_TOKEN_INVALID"
        assert refused(scores, 1) == "PAGE_TOKEN_INVALID"
    with of("umbrella"):
        assert refused(scores, "") == "PAGE_TOKEN_INVALID"


@pytest.mark.parametrize("token", ["x", "W10=", "bnVsbA==", "eyJhIjoxfQ==", "WzFd", "ü", "MQ=="])
def test_nonsense_is_no_token(token: str) -> None:
    with of("acme"):
        assert refused(ingest_pb2.ListSourcesRequest(page_token=token), "") == "PAGE_TOKEN_INVALID"


def test_sizes_out_of_range_are_refused_by_their_field() -> None:
    assert [page_size(0, 20, 1_000), page_size(7, 20, 1_000), page_size(1_000, 20, 1_000)] == [20, 7, 1_000]
    for asked in (-1, 1_001):
        with pytest.raises(InvalidArgument) as caught:
            page_size(asked, 20, 1_000, "events_max")
        assert caught.value.field_violations[0].field == "events_max"
