-- How many scores and signals there are, and the hash over them, follow every change: to ask for them reads one row.

-- content: the sum of the digests of present scores and active signals, as whole numbers modulo 2^256.
ALTER TABLE score_head
    ADD COLUMN score_count bigint NOT NULL DEFAULT 0,
    ADD COLUMN signal_count bigint NOT NULL DEFAULT 0,
    ADD COLUMN content numeric NOT NULL DEFAULT 0;

CREATE FUNCTION digest_number(digest bytea) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ('0x0' || encode(digest, 'hex'))::numeric;

-- A sum that others may be taken out of again, modulo 2^256.
CREATE FUNCTION content_after(content numeric, came numeric, gone numeric) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN mod(mod(content + came - gone, 2::numeric ^ 256) + 2::numeric ^ 256, 2::numeric ^ 256);

CREATE FUNCTION follow_scores() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    IF TG_OP <> 'DELETE' THEN
        UPDATE score_head
        SET score_count = score_count + came.number, content = content_after(content, came.total, 0)
        FROM (
            SELECT tenant, count(*) AS number, sum(digest_number(digest)) AS total
            FROM came_rows
            WHERE present
            GROUP BY tenant
        ) AS came
        WHERE score_head.tenant = came.tenant;
    END IF;
    IF TG_OP <> 'INSERT' THEN
        UPDATE score_head
        SET score_count = score_count - gone.number, content = content_after(content, 0, gone.total)
        FROM (
            SELECT tenant, count(*) AS number, sum(digest_number(digest)) AS total
            FROM gone_rows
            WHERE present
            GROUP BY tenant
        ) AS gone
        WHERE score_head.tenant = gone.tenant;
    END IF;
    RETURN NULL;
END
$$;

CREATE FUNCTION follow_signals() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    IF TG_OP <> 'DELETE' THEN
        UPDATE score_head
        SET signal_count = signal_count + came.number, content = content_after(content, came.total, 0)
        FROM (
            SELECT tenant, count(*) AS number, sum(digest_number(digest)) AS total
            FROM came_rows
            WHERE standing
            GROUP BY tenant
        ) AS came
        WHERE score_head.tenant = came.tenant;
    END IF;
    IF TG_OP <> 'INSERT' THEN
        UPDATE score_head
        SET signal_count = signal_count - gone.number, content = content_after(content, 0, gone.total)
        FROM (
            SELECT tenant, count(*) AS number, sum(digest_number(digest)) AS total
            FROM gone_rows
            WHERE standing
            GROUP BY tenant
        ) AS gone
        WHERE score_head.tenant = gone.tenant;
    END IF;
    RETURN NULL;
END
$$;

-- From here on no replica, of this release or the one before, changes a row that is not followed.
CREATE TRIGGER scores_came AFTER INSERT ON score REFERENCING NEW TABLE AS came_rows
    FOR EACH STATEMENT EXECUTE FUNCTION follow_scores();
CREATE TRIGGER scores_changed AFTER UPDATE ON score REFERENCING NEW TABLE AS came_rows OLD TABLE AS gone_rows
    FOR EACH STATEMENT EXECUTE FUNCTION follow_scores();
CREATE TRIGGER scores_gone AFTER DELETE ON score REFERENCING OLD TABLE AS gone_rows
    FOR EACH STATEMENT EXECUTE FUNCTION follow_scores();
CREATE TRIGGER signals_came AFTER INSERT ON signal REFERENCING NEW TABLE AS came_rows
    FOR EACH STATEMENT EXECUTE FUNCTION follow_signals();
CREATE TRIGGER signals_changed AFTER UPDATE ON signal REFERENCING NEW TABLE AS came_rows OLD TABLE AS gone_rows
    FOR EACH STATEMENT EXECUTE FUNCTION follow_signals();
CREATE TRIGGER signals_gone AFTER DELETE ON signal REFERENCING OLD TABLE AS gone_rows
    FOR EACH STATEMENT EXECUTE FUNCTION follow_signals();

-- What is there already is read this once, of all tenants: an owner passes row-level security where it is not forced.
ALTER TABLE score_head NO FORCE ROW LEVEL SECURITY;
ALTER TABLE score NO FORCE ROW LEVEL SECURITY;
ALTER TABLE signal NO FORCE ROW LEVEL SECURITY;
UPDATE score_head
SET score_count = coalesce(scores.number, 0),
    signal_count = coalesce(signals.number, 0),
    content = content_after(0, coalesce(scores.total, 0) + coalesce(signals.total, 0), 0)
FROM score_head AS head
LEFT JOIN (
    SELECT tenant, count(*) AS number, sum(digest_number(digest)) AS total
    FROM score
    WHERE present
    GROUP BY tenant
) AS scores ON scores.tenant = head.tenant
LEFT JOIN (
    SELECT tenant, count(*) AS number, sum(digest_number(digest)) AS total
    FROM signal
    WHERE standing
    GROUP BY tenant
) AS signals ON signals.tenant = head.tenant
WHERE score_head.tenant = head.tenant;
ALTER TABLE score_head FORCE ROW LEVEL SECURITY;
ALTER TABLE score FORCE ROW LEVEL SECURITY;
ALTER TABLE signal FORCE ROW LEVEL SECURITY;
