"""Weights of the contract: judgements as they are asked for; proposals, changes and rankings as they are answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
from andon.scoring.v1 import weight_pb2 as pb
from andon_quality.arrays import FloatArray
from andon_quality.weights import Mix

from services.runtime.errors import invalid
from services.scoring.scores.composite_change import CompositeChange, Side
from services.scoring.scores.slice_ranks import SliceRanking
from services.scoring.scores.weight_proposal import (
    BestWorstJudgement,
    Consistency,
    DataMethod,
    Judgements,
    PairwiseJudgement,
    ProposedWeights,
    matrix_of,
)
from services.scoring.system.hierarchy import Node
from services.scoring.wire.scores import text

EXPERTS_MAX, PAIRWISE_MEMBERS_MAX, MEMBERS_MAX, NAME_MAX = 50, 15, 100, 200
RATIO_MAX, WEIGHT_MAX = 9.0, 1e6
DATA_METHODS: Mapping[int, DataMethod] = {
    pb.ProposeWeightsRequest.DATA_METHOD_ENTROPY: DataMethod.ENTROPY,
    pb.ProposeWeightsRequest.DATA_METHOD_CRITIC: DataMethod.CRITIC,
    pb.ProposeWeightsRequest.DATA_METHOD_MEREC: DataMethod.MEREC,
}
MIXES: Mapping[int, Mix] = {
    pb.ProposeWeightsRequest.MIX_UNSPECIFIED: Mix.LINEAR,
    pb.ProposeWeightsRequest.MIX_LINEAR: Mix.LINEAR,
    pb.ProposeWeightsRequest.MIX_GEOMETRIC: Mix.GEOMETRIC,
}
ROUNDING = 1e-9


def judgements_of(experts: Sequence[pb.ExpertJudgement], members: Sequence[Node]) -> Judgements:
    """Checked and complete. INVALID_ARGUMENT with the field."""
    if len(experts) > EXPERTS_MAX:
        raise invalid("experts", f"has more than {EXPERTS_MAX} members")
    kinds = {one.WhichOneof("kind") for one in experts}
    if None in kinds:
        raise invalid("experts", "each needs comparisons or best_worst", "FIELD_REQUIRED")
    if len(kinds) > 1:
        raise invalid("experts", "must be all of one kind: comparisons or best_worst")
    if len(members) > MEMBERS_MAX:
        raise invalid("experts", f"weigh at most {MEMBERS_MAX} members, and the composite has {len(members):,}")
    place = {one.name: index for index, one in enumerate(members)}
    for number, one in enumerate(experts):
        if len(one.expert) > NAME_MAX:
            raise invalid(f"experts[{number}].expert", f"has more than {NAME_MAX} characters")
    if kinds == {"comparisons"}:
        return [
            PairwiseJudgement(
                one.expert or str(number + 1), _matrix(one.comparisons, place, f"experts[{number}].comparisons")
            )
            for number, one in enumerate(experts)
        ]
    return [
        BestWorstJudgement(
            one.expert or str(number + 1), *_best_worst(one.best_worst, place, f"experts[{number}].best_worst")
        )
        for number, one in enumerate(experts)
    ]


def _matrix(given: pb.Comparisons, place: Mapping[str, int], field: str) -> FloatArray:
    if not 2 <= len(place) <= PAIRWISE_MEMBERS_MAX:
        raise invalid(
            field, f"weigh 2 to {PAIRWISE_MEMBERS_MAX} members, and the composite has {len(place)}: use best_worst"
        )
    ratios: dict[tuple[int, int], float] = {}
    for number, one in enumerate(given.pairs):
        pair = f"{field}.pairs[{number}]"
        row, column = _place(one.member, place, f"{pair}.member"), _place(one.other, place, f"{pair}.other")
        if row == column:
            raise invalid(f"{pair}.other", "must be another member")
        if (row, column) in ratios or (column, row) in ratios:
            raise invalid(pair, f"{one.member} and {one.other} are compared already")
        if not 1 / RATIO_MAX - ROUNDING <= one.ratio <= RATIO_MAX:
            raise invalid(f"{pair}.ratio", "must lie between 1/9 and 9")
        ratios[row, column] = one.ratio
    for name, other in combinations(place, 2):
        if (place[name], place[other]) not in ratios and (place[other], place[name]) not in ratios:
            raise invalid(f"{field}.pairs", f"do not compare {name} and {other}", "FIELD_REQUIRED")
    return matrix_of(len(place), ratios)


def _best_worst(given: pb.BestWorst, place: Mapping[str, int], field: str) -> tuple[FloatArray, FloatArray]:
    best, worst = _place(given.best, place, f"{field}.best"), _place(given.worst, place, f"{field}.worst")
    if best == worst:
        raise invalid(f"{field}.worst", "must be another member than the best")
    to_others = _ratios(given.best_to_others, place, given.best, f"{field}.best_to_others")
    to_worst = _ratios(given.others_to_worst, place, given.worst, f"{field}.others_to_worst")
    if to_others[worst] != to_worst[best]:
        message = f"says {to_worst[best]:g} of the best against the worst, and best_to_others {to_others[worst]:g}"
        raise invalid(f"{field}.others_to_worst", message)
    if max(to_others.max(), to_worst.max()) > to_others[worst]:
        raise invalid(f"{field}.best_to_others", "no ratio can be larger than that of the best against the worst")
    return to_others, to_worst


def _ratios(given: Sequence[pb.MemberRatio], place: Mapping[str, int], reference: str, field: str) -> FloatArray:
    ratios = {reference: 1.0}
    for number, one in enumerate(given):
        _place(one.member, place, f"{field}[{number}].member")
        if one.member in ratios and one.member != reference:
            raise invalid(f"{field}[{number}].member", f"{one.member} is named twice")
        if not 1 <= one.ratio <= RATIO_MAX or (one.member == reference and one.ratio != 1):
            raise invalid(f"{field}[{number}].ratio", "must lie between 1 and 9, and be 1 for the member itself")
        ratios[one.member] = one.ratio
    missing = [name for name in place if name not in ratios]
    if missing:
        raise invalid(field, f"has no ratio for {', '.join(missing)}", "FIELD_REQUIRED")
    return np.array([ratios[name] for name in place])


def _place(name: str, place: Mapping[str, int], field: str) -> int:
    if name not in place:
        raise invalid(field, f"must be a member of the composite: {', '.join(place)}")
    return place[name]


def wanted_weights(given: Sequence[pb.MemberWeight], members: Sequence[Node]) -> FloatArray:
    """Summing to 1, in the order of the members. INVALID_ARGUMENT with the field."""
    place = {one.name: index for index, one in enumerate(members)}
    weights: dict[str, float] = {}
    for number, one in enumerate(given):
        _place(one.member, place, f"weights[{number}].member")
        if one.member in weights:
            raise invalid(f"weights[{number}].member", f"{one.member} is named twice")
        if not 0 <= one.weight <= WEIGHT_MAX:
            raise invalid(f"weights[{number}].weight", f"must lie between 0 and {WEIGHT_MAX:,.0f}")
        weights[one.member] = one.weight
    missing = [name for name in place if name not in weights]
    if missing:
        raise invalid("weights", f"lacks {', '.join(missing)}", "FIELD_REQUIRED")
    found = np.array([weights[name] for name in place])
    if not found.sum():
        raise invalid("weights", "must not all be 0")
    return np.asarray(found / found.sum())


def proposal_messages(members: Sequence[Node], found: ProposedWeights) -> list[pb.WeightProposal]:
    return [
        pb.WeightProposal(
            member=one.name,
            title=text(one.title),
            weight_now=found.now[place],
            weight_experts=None if found.experts is None else found.experts[place],
            weight_data=None if found.data is None else found.data[place],
            weight_proposed=found.proposed[place],
            weight_step=found.step[place],
        )
        for place, one in enumerate(members)
    ]


def consistency_message(one: Consistency, members: Sequence[Node]) -> pb.Consistency:
    made = pb.Consistency(expert=one.expert, ratio=one.ratio, is_consistent=one.is_consistent)
    if one.ask_again is not None:
        row, column, ratio = one.ask_again
        made.ask_again.CopyFrom(pb.Comparison(member=members[row].name, other=members[column].name, ratio=ratio))
    return made


def change_response(before: Side, after: Side, found: CompositeChange) -> pb.ExplainChangeResponse:
    """Without intervals and versions."""
    points_before, points_after = before.points(), after.points()
    weights_before, weights_after = before.weights(), after.weights()
    split = found.split
    return pb.ExplainChangeResponse(
        points_before=before.total(),
        points_after=after.total(),
        change=split.total,
        data=split.data,
        weight=split.weight,
        structure=split.structure,
        missing=split.missing,
        indicators=[
            pb.IndicatorPart(
                indicator=one.name,
                title=text(one.title),
                points_before=points_before.get(one.name),
                points_after=points_after.get(one.name),
                weight_before=weights_before.get(one.name),
                weight_after=weights_after.get(one.name),
                data=one.data,
                weight=one.weight,
                structure=one.structure,
                missing=one.missing,
            )
            for one in found.parts
        ],
        summary=text(found.summary),
    )


def ranking_response(found: SliceRanking) -> pb.GetRankingResponse:
    """Without its interval, its radius, and what was left out."""
    return pb.GetRankingResponse(
        slices=[
            pb.RankedSlice(
                slice=dict(one.values), points=one.points, rank=one.rank, same_rank_share=one.same_rank_share
            )
            for one in found.slices
        ],
        first_share=found.first_share,
        margin=found.margin,
        summary=text(found.summary),
    )
