-- What reviewers say of signals; the last verdict of each counts. verdict: 1 true, 2 false, 3 known, as in the contract.
CREATE TABLE signal_verdict (
    tenant text NOT NULL,
    signal text COLLATE "C" NOT NULL,
    reviewer text NOT NULL,
    verdict smallint NOT NULL,
    series text COLLATE "C" NOT NULL,
    window_start bigint NOT NULL,
    body bytea NOT NULL,
    verdict_time timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant, signal, reviewer)
);
CREATE INDEX signal_verdict_by_time ON signal_verdict (tenant, verdict_time DESC, signal, reviewer);
CREATE INDEX signal_verdict_by_series ON signal_verdict (tenant, series, window_start);

ALTER TABLE signal_verdict ENABLE ROW LEVEL SECURITY;
ALTER TABLE signal_verdict FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_only ON signal_verdict USING (tenant = current_setting('andon.tenant', true))
    WITH CHECK (tenant = current_setting('andon.tenant', true));
