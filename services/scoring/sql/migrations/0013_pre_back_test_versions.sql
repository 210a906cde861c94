-- Back-tests of versions and documents. state: 1 waiting, 2 running, 3 done, 4 failed, 5 cancelled, as in the contract.
-- attempt: counts starts, so that a replica that was replaced changes nothing any more. report: the message of the contract.
CREATE TABLE backtest (
    tenant text NOT NULL,
    id uuid NOT NULL,
    system_name text NOT NULL,
    version integer NOT NULL,
    state smallint NOT NULL,
    attempt integer NOT NULL DEFAULT 0,
    request bytea NOT NULL,
    progress double precision NOT NULL DEFAULT 0,
    event_count bigint NOT NULL DEFAULT 0,
    error text NOT NULL DEFAULT '',
    report bytea NOT NULL DEFAULT '',
    create_time timestamptz NOT NULL DEFAULT clock_timestamp(),
    end_time timestamptz,
    PRIMARY KEY (tenant, id)
);
CREATE INDEX backtest_by_time ON backtest (tenant, create_time DESC, id DESC);

ALTER TABLE backtest ENABLE ROW LEVEL SECURITY;
ALTER TABLE backtest FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_only ON backtest USING (tenant = current_setting('andon.tenant', true))
    WITH CHECK (tenant = current_setting('andon.tenant', true));
