"""Who may call what. What is not in the table may be called by nobody."""

from services.runtime.identity import Access

_SERVICE = "/andon.ingest.v1.IngestService/"
_QUARANTINE = "/andon.ingest.v1.QuarantineService/"
_PRIVACY = "/andon.ingest.v1.PrivacyService/"
_DATA_QUALITY = "/andon.ingest.v1.DataQualityService/"
_ARCHIVE = "/andon.ingest.v1.ArchiveService/"
_SURVEY = "/andon.ingest.v1.SurveyService/"
_ENTITY = "/andon.ingest.v1.EntityService/"
_FORM = "/andon.ingest.v1.FormService/"
_BENCHMARK = "/andon.ingest.v1.BenchmarkService/"
_SENSOR = "/andon.ingest.v1.SensorService/"
_FEED = "/andon.ingest.v1.FeedService/"
_TRANSFER = "/andon.ingest.v1.TransferService/"
_WRITE = frozenset({"writer", "admin"})
_READ = frozenset({"reader", "analyst", "quality_manager", "operator", "service", "admin"})
_OPERATE = frozenset({"operator", "admin"})
_ASK = frozenset({"quality_manager", "operator", "admin"})

ACCESS: Access = {
    _SERVICE + "WriteEvents": _WRITE,
    _SERVICE + "WriteRecords": _WRITE,
    _SERVICE + "StreamEvents": _WRITE,
    _SERVICE + "ReadEvents": _READ,
    _SERVICE + "ReadCases": _READ,
    _SERVICE + "GetWatchBounds": _READ | _WRITE,
    _SERVICE + "GetIntakeCounts": _READ | _WRITE,
    _SERVICE + "GetLogVocabulary": _READ,
    _SERVICE + "CreateSource": _OPERATE,
    _SERVICE + "GetSource": _READ | _WRITE,
    _SERVICE + "ListSources": _READ | _WRITE,
    _SERVICE + "UpdateSource": _OPERATE,
    _SERVICE + "TestSource": _OPERATE,
    _QUARANTINE + "ListQuarantinedEvents": _OPERATE,
    _QUARANTINE + "GetQuarantinedEvent": _OPERATE,
    _QUARANTINE + "GetQuarantineCounts": _OPERATE,
    _QUARANTINE + "PreviewCorrection": _OPERATE,
    _QUARANTINE + "CorrectEvents": _OPERATE,
    _QUARANTINE + "ReplayEvents": _OPERATE,
    _QUARANTINE + "DiscardEvents": _OPERATE,
    _PRIVACY + "TestPolicy": _OPERATE,
    _PRIVACY + "EraseSubject": _OPERATE,
    _PRIVACY + "GetErasure": _OPERATE,
    _PRIVACY + "ListErasures": _OPERATE,
    _PRIVACY + "RevealValues": _OPERATE,
    _DATA_QUALITY + "GetDataQuality": _READ,
    _DATA_QUALITY + "WatchDataQuality": _READ,
    _DATA_QUALITY + "ListSourceActivity": _READ,
    _DATA_QUALITY + "WatchSourceActivity": _READ,
    _SURVEY + "CreateSurvey": _ASK,
    _SURVEY + "GetSurvey": _READ,
    _SURVEY + "ListSurveys": _READ,
    _SURVEY + "CreateInvitations": _ASK,
    # Who has an id can answer in the place of the invited.
    _SURVEY + "ListInvitations": _ASK,
    _SURVEY + "UpdateInvitations": _ASK,
    _SURVEY + "GetSurveyReport": _READ,
    _FORM + "CreateForm": _ASK,
    _FORM + "GetForm": _READ,
    _FORM + "ListForms": _READ,
    _FORM + "ListPlannedObservations": _READ,
    _FORM + "GetFormReport": _READ,
    _ENTITY + "CreateEntity": _ASK,
    _ENTITY + "GetEntity": _READ,
    _ENTITY + "ListEntities": _READ,
    _ENTITY + "LinkKeys": _ASK,
    _ENTITY + "MergeEntities": _ASK,
    _ENTITY + "SplitEntity": _ASK,
    _ENTITY + "ListUnmappedKeys": _READ,
    _FEED + "CreateFeed": _ASK,
    _FEED + "GetFeed": _READ,
    _FEED + "ListFeeds": _READ,
    _FEED + "UpdateFeed": _ASK,
    _TRANSFER + "CreateTransfer": _WRITE,
    _TRANSFER + "UploadChunk": _WRITE,
    _TRANSFER + "GetTransfer": _WRITE | _OPERATE,
    # What was refused of the files of others is shown with its values.
    _TRANSFER + "ListTransfers": _OPERATE,
    _TRANSFER + "CancelTransfer": _WRITE,
    _BENCHMARK + "CreateBenchmark": _ASK,
    _BENCHMARK + "GetBenchmark": _READ,
    _BENCHMARK + "ListBenchmarks": _READ,
    _BENCHMARK + "UpdateBenchmark": _ASK,
    _SENSOR + "CreateSensorSource": _ASK,
    _SENSOR + "GetSensorSource": _READ,
    _SENSOR + "ListSensorSources": _READ,
    _SENSOR + "StreamReadings": _WRITE,
    _ARCHIVE + "GetArchive": _OPERATE,
    _ARCHIVE + "ListArchiveFiles": _OPERATE,
    _ARCHIVE + "ArchiveEvents": _OPERATE,
    _ARCHIVE + "VerifyArchive": _OPERATE,
}
