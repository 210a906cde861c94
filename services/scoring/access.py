"""Who may call what. Default: nobody."""

from __future__ import annotations

from services.runtime.identity import Access

SERVICE = "/andon.scoring.v1.ScoringService/"
OVERVIEW = "/andon.scoring.v1.OverviewService/"
CAPABILITY = "/andon.scoring.v1.CapabilityService/"
READERS = frozenset({"reader", "analyst", "quality_manager", "operator", "admin", "service"})
# Who watches a process knows what happened to it.
WATCHERS = frozenset({"analyst", "quality_manager", "operator", "admin"})
ANALYSTS = frozenset({"analyst", "admin"})

ACCESS: Access = {
    f"{SERVICE}CreateIndicatorSystem": ANALYSTS,
    f"{SERVICE}GetIndicatorSystem": READERS,
    f"{SERVICE}ListIndicatorSystems": READERS,
    f"{SERVICE}LintIndicatorSystem": READERS,
    f"{SERVICE}ActivateIndicatorSystem": ANALYSTS,
    f"{SERVICE}ListSeries": READERS,
    f"{SERVICE}ListScores": READERS,
    f"{SERVICE}WatchScores": READERS,
    f"{SERVICE}ListSignals": READERS,
    f"{SERVICE}WatchSignals": READERS,
    f"{SERVICE}GetWatchBounds": READERS,
    f"{SERVICE}GetScorecard": READERS,
    f"{SERVICE}GetControlChart": READERS,
    f"{SERVICE}ExplainScore": READERS,
    f"{SERVICE}GetScoringStatus": READERS,
    f"{OVERVIEW}GetOverview": READERS,
    f"{OVERVIEW}ListAnnotations": READERS,
    f"{OVERVIEW}CreateAnnotation": WATCHERS,
    f"{OVERVIEW}DeleteAnnotation": WATCHERS,
    f"{CAPABILITY}GetCapability": READERS,
    f"{CAPABILITY}GetLoss": READERS,
}
