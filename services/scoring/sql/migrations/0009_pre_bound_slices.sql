-- A slice with too many combinations of values is dropped: books count the values that events name.

-- Dimensions in their order, joined by commas.
CREATE TABLE dropped_slice (
    tenant text NOT NULL,
    system_name text NOT NULL,
    version integer NOT NULL,
    dimensions text NOT NULL,
    combinations_max integer NOT NULL,
    drop_time timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, system_name, version, dimensions)
);
ALTER TABLE dropped_slice ENABLE ROW LEVEL SECURITY;
ALTER TABLE dropped_slice FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_only ON dropped_slice USING (tenant = current_setting('andon.tenant', true))
    WITH CHECK (tenant = current_setting('andon.tenant', true));

-- Values of events that were folded before are in no book: every version reads the log once more, in silence, and then
-- publishes what differs.
TRUNCATE fold, progress, snapshot, case_page, observation, observation_floor, window_statistics, book_checkpoint;

-- Replicas of the release before do not count values: without the old name they wait until they are replaced.
ALTER FUNCTION keep_step RENAME TO commit_step;

-- Whoever changes a row, from whatever schema.
ALTER FUNCTION follow_scores SET search_path FROM CURRENT;
ALTER FUNCTION follow_signals SET search_path FROM CURRENT;
