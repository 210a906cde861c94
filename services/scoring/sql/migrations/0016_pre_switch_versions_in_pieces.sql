-- A version that has caught up replaces the one before it in pieces: each is staged, and all of them are published at once.

-- How far the switch has come. switch_phase: 0 not begun, 1 indicators, 2 composites. switch_series, switch_start: the last
-- window that was decided, in phase 2 the kind of window and its start. switch_chart: the chart of that series so far.
ALTER TABLE fold
    ADD COLUMN switch_phase smallint NOT NULL DEFAULT 0,
    ADD COLUMN switch_series text COLLATE "C" NOT NULL DEFAULT '',
    ADD COLUMN switch_start bigint NOT NULL DEFAULT 0,
    ADD COLUMN switch_entries bigint NOT NULL DEFAULT 0,
    ADD COLUMN switch_chart bytea NOT NULL DEFAULT '';

-- Rows of score_log, score, signal and chart_state that the switch will publish.
CREATE TABLE staged_entry (
    tenant text NOT NULL,
    system_name text NOT NULL,
    version integer NOT NULL,
    number bigint NOT NULL,
    scores bytea NOT NULL,
    signals bytea NOT NULL,
    change bytea NOT NULL,
    PRIMARY KEY (tenant, system_name, version, number)
);
CREATE TABLE staged_score (
    tenant text NOT NULL,
    system_name text NOT NULL,
    version integer NOT NULL,
    series text COLLATE "C" NOT NULL,
    window_start bigint NOT NULL,
    window_end bigint NOT NULL,
    indicator text NOT NULL,
    window_kind smallint NOT NULL,
    whole boolean NOT NULL,
    present boolean NOT NULL,
    complete boolean NOT NULL,
    body bytea NOT NULL,
    digest bytea NOT NULL,
    revision bigint NOT NULL,
    PRIMARY KEY (tenant, system_name, version, series, window_start)
);
CREATE TABLE staged_signal (
    tenant text NOT NULL,
    system_name text NOT NULL,
    version integer NOT NULL,
    name text COLLATE "C" NOT NULL,
    series text COLLATE "C" NOT NULL,
    window_start bigint NOT NULL,
    window_end bigint NOT NULL,
    indicator text NOT NULL,
    window_kind smallint NOT NULL,
    whole boolean NOT NULL,
    standing boolean NOT NULL,
    body bytea NOT NULL,
    digest bytea NOT NULL,
    PRIMARY KEY (tenant, system_name, version, name)
);
CREATE TABLE staged_chart_state (
    tenant text NOT NULL,
    system_name text NOT NULL,
    version integer NOT NULL,
    series text COLLATE "C" NOT NULL,
    through_us bigint NOT NULL,
    judged boolean NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (tenant, system_name, version, series, through_us)
);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['staged_entry', 'staged_score', 'staged_signal', 'staged_chart_state']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format(
            'CREATE POLICY tenant_only ON %I USING (tenant = current_setting(''andon.tenant'', true))'
            ' WITH CHECK (tenant = current_setting(''andon.tenant'', true))', name
        );
    END LOOP;
END
$$;
