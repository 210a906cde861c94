-- What a settle finds by index, so that it reads only the occurrences that changed signals can reach.

-- NULL: a row of before; the owner of the tenant fills them in once (head.indexed).
ALTER TABLE signal
    ADD COLUMN process text,
    ADD COLUMN system text,
    ADD COLUMN indicator text,
    ADD COLUMN start_us bigint,
    ADD COLUMN end_us bigint;
CREATE INDEX signal_by_family ON signal (tenant, process, system, indicator, start_us);

-- States 1 to 5 of the contract are those that somebody may still have to work on.
ALTER TABLE problem
    ADD COLUMN live boolean GENERATED ALWAYS AS (state <= 5) STORED,
    ADD COLUMN digest bytea;
CREATE INDEX problem_live_by_severity ON problem (tenant, severity DESC, name) WHERE live;

-- `digest`, `live_count` and `total_count` follow every change. `scores_through`: changes of scores through this cursor
-- of scoring's log are in the causes; empty: no live problem rests on scores that could have changed.
ALTER TABLE head
    ADD COLUMN digest bytea NOT NULL DEFAULT '',
    ADD COLUMN live_count bigint NOT NULL DEFAULT 0,
    ADD COLUMN total_count bigint NOT NULL DEFAULT 0,
    ADD COLUMN scores_through text NOT NULL DEFAULT '',
    ADD COLUMN indexed boolean NOT NULL DEFAULT false;

-- Runs of active signals of one indicator, each with its live problem. The runs of a family lie apart in time.
-- A signal joins a run that ends at or after `joins_us` of its first signal.
CREATE TABLE alarm_run (
    tenant text NOT NULL,
    process text NOT NULL,
    system text NOT NULL,
    indicator text NOT NULL,
    start_us bigint NOT NULL,
    end_us bigint NOT NULL,
    joins_us bigint NOT NULL,
    problem text NOT NULL,
    PRIMARY KEY (tenant, process, system, indicator, start_us)
);
CREATE INDEX alarm_run_by_problem ON alarm_run (tenant, problem);

-- Which indicators were ever said to be symptoms of a driver.
CREATE TABLE symptom_link (
    tenant text NOT NULL,
    process text NOT NULL,
    system text NOT NULL,
    driver text NOT NULL,
    indicator text NOT NULL,
    PRIMARY KEY (tenant, process, system, driver, indicator)
);

-- Spans that a closed or dismissed problem has dealt with: what alarms in there opens nothing again.
CREATE TABLE settled_span (
    tenant text NOT NULL,
    process text NOT NULL,
    system text NOT NULL,
    indicator text NOT NULL,
    joins_us bigint NOT NULL,
    start_us bigint NOT NULL,
    until_us bigint NOT NULL,
    problem text NOT NULL,
    PRIMARY KEY (tenant, process, system, indicator, start_us, problem)
);
CREATE INDEX settled_span_by_end ON settled_span (tenant, process, system, indicator, until_us);

-- The scores that the causes of a live problem were found in, and through which position of scoring's log they were read.
CREATE TABLE problem_evidence (
    tenant text NOT NULL,
    problem text NOT NULL,
    process text NOT NULL,
    system text NOT NULL,
    indicator text NOT NULL,
    baseline_start_us bigint NOT NULL,
    baseline_end_us bigint NOT NULL,
    start_us bigint NOT NULL,
    end_us bigint NOT NULL,
    position bigint NOT NULL,
    PRIMARY KEY (tenant, problem)
);
CREATE INDEX problem_evidence_by_end ON problem_evidence (tenant, process, system, indicator, end_us);
CREATE INDEX problem_evidence_by_baseline ON problem_evidence (tenant, process, system, indicator, baseline_end_us);
CREATE INDEX problem_evidence_unread ON problem_evidence (tenant, problem) WHERE position < 0;

ALTER TABLE alarm_run ENABLE ROW LEVEL SECURITY;
ALTER TABLE alarm_run FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON alarm_run USING (tenant = current_setting('andon.tenant', true));
ALTER TABLE symptom_link ENABLE ROW LEVEL SECURITY;
ALTER TABLE symptom_link FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON symptom_link USING (tenant = current_setting('andon.tenant', true));
ALTER TABLE settled_span ENABLE ROW LEVEL SECURITY;
ALTER TABLE settled_span FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON settled_span USING (tenant = current_setting('andon.tenant', true));
ALTER TABLE problem_evidence ENABLE ROW LEVEL SECURITY;
ALTER TABLE problem_evidence FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON problem_evidence USING (tenant = current_setting('andon.tenant', true));
