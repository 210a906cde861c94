"""Who may call what. Default: nobody."""

from __future__ import annotations

from services.runtime.identity import Access

SERVICE = "/andon.scoring.v1.ScoringService/"
BENCHMARK_COMPARISON = "/andon.scoring.v1.BenchmarkComparisonService/"
CLAUSE = "/andon.scoring.v1.ClauseService/"
FUNNEL = "/andon.scoring.v1.FunnelService/"
ERROR_BUDGET = "/andon.scoring.v1.ErrorBudgetService/"
SIMULATION = "/andon.scoring.v1.SimulationService/"
ALARM_REVIEW = "/andon.scoring.v1.AlarmReviewService/"
SYSTEM_REVIEW = "/andon.scoring.v1.SystemReviewService/"
OVERVIEW = "/andon.scoring.v1.OverviewService/"
CAPABILITY = "/andon.scoring.v1.CapabilityService/"
RUN_LENGTH = "/andon.scoring.v1.RunLengthService/"
WEIGHT = "/andon.scoring.v1.WeightService/"
PROCESS = "/andon.scoring.v1.ProcessService/"
READERS = frozenset({"reader", "analyst", "quality_manager", "operator", "admin", "service"})
# Who watches a process knows what happened to it.
WATCHERS = frozenset({"analyst", "quality_manager", "operator", "admin"})
REVIEWERS = frozenset({"analyst", "quality_manager", "admin"})
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
    f"{SYSTEM_REVIEW}GetIndicatorSystemDiff": READERS,
    f"{SYSTEM_REVIEW}CreateBacktest": REVIEWERS,
    f"{SYSTEM_REVIEW}GetBacktest": READERS,
    f"{SYSTEM_REVIEW}ListBacktests": READERS,
    f"{SYSTEM_REVIEW}CancelBacktest": REVIEWERS,
    f"{ALARM_REVIEW}JudgeSignal": WATCHERS,
    f"{ALARM_REVIEW}ListVerdicts": READERS,
    f"{ALARM_REVIEW}GetAlarmPrecision": READERS,
    f"{ALARM_REVIEW}ListMonitorReviews": READERS,
    f"{BENCHMARK_COMPARISON}GetBenchmarkComparison": READERS,
    f"{CLAUSE}CreateClause": REVIEWERS,
    f"{CLAUSE}GetClause": READERS,
    f"{CLAUSE}ListClauses": READERS,
    f"{CLAUSE}UpdateClause": REVIEWERS,
    f"{CLAUSE}ListUnclaimedIndicators": READERS,
    f"{FUNNEL}GetFunnel": READERS,
    f"{ERROR_BUDGET}GetErrorBudget": READERS,
    f"{SIMULATION}GetQueueSimulation": READERS,
    f"{CAPABILITY}GetCapability": READERS,
    f"{CAPABILITY}GetLoss": READERS,
    f"{RUN_LENGTH}GetRunLength": READERS,
    f"{WEIGHT}ProposeWeights": READERS,
    f"{WEIGHT}AdjustWeights": ANALYSTS,
    f"{WEIGHT}ListWeightChanges": READERS,
    f"{WEIGHT}ExplainChange": READERS,
    f"{WEIGHT}GetRanking": READERS,
    f"{PROCESS}ListOpenCases": READERS,
    f"{PROCESS}WatchOpenCases": READERS,
}
