"""Who may call what. Default: nobody."""

from __future__ import annotations

from services.runtime.identity import Access

SERVICE = "/andon.scoring.v1.ScoringService/"
READERS = frozenset({"reader", "analyst", "quality_manager", "operator", "admin", "service"})
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
}
