"""Who may call what. What is not in the table may be called by nobody."""

from __future__ import annotations

from services.runtime.identity import Access

_SERVICE = "/andon.improvement.v1.ImprovementService/"
_READ = frozenset({"reader", "analyst", "quality_manager", "operator", "service", "admin"})
_NOTE = frozenset({"analyst", "operator", "quality_manager", "admin"})
_MOVE = frozenset({"quality_manager", "admin"})

ACCESS: Access = {
    _SERVICE + "ListProblems": _READ,
    _SERVICE + "GetProblem": _READ,
    _SERVICE + "GetProblemCounts": _READ,
    _SERVICE + "WatchProblems": _READ,
    _SERVICE + "GetWatchBounds": _READ,
    _SERVICE + "ListProblemHistory": _READ,
    _SERVICE + "ExplainProblem": _READ,
    _SERVICE + "GetImprovementStatus": _READ,
    _SERVICE + "CreateProblem": _MOVE,
    _SERVICE + "AcknowledgeProblem": _MOVE,
    _SERVICE + "AddCause": _MOVE,
    _SERVICE + "PlanAction": _MOVE,
    _SERVICE + "StartAction": _MOVE,
    _SERVICE + "CompleteAction": _MOVE,
    _SERVICE + "CancelAction": _MOVE,
    _SERVICE + "VerifyAction": _MOVE,
    _SERVICE + "CloseProblem": _MOVE,
    _SERVICE + "DismissProblem": _MOVE,
    _SERVICE + "UndoTransition": _MOVE,
    _SERVICE + "AssignProblem": _MOVE,
    _SERVICE + "SnoozeProblem": _MOVE,
    _SERVICE + "AddNote": _NOTE,
}
