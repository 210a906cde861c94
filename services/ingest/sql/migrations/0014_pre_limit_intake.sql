-- How much may come of a tenant and of a source in a second, over all replicas.

-- Of a source; 0: no limit of its own.
ALTER TABLE source ADD COLUMN events_per_s bigint NOT NULL DEFAULT 0;
ALTER TABLE source ADD COLUMN bytes_per_s bigint NOT NULL DEFAULT 0;

-- What may come at once. An empty source: the tenant.
CREATE TABLE quota_balance (
    tenant text NOT NULL,
    source text NOT NULL,
    events_left double precision NOT NULL,
    bytes_left double precision NOT NULL,
    refilled_at timestamptz NOT NULL,
    PRIMARY KEY (tenant, source)
) WITH (fillfactor = 40);

ALTER TABLE quota_balance ENABLE ROW LEVEL SECURITY;
ALTER TABLE quota_balance FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON quota_balance USING (tenant = current_setting('andon.tenant', true));

-- Takes events and bytes out of a balance that is not used up, however many they are; a rate of 0 is no limit.
-- Otherwise changes nothing, and says for how many seconds.
CREATE FUNCTION take_quota(
    of_tenant text, of_source text, events bigint, bytes bigint,
    events_per_s double precision, bytes_per_s double precision, burst_s double precision
) RETURNS double precision
LANGUAGE plpgsql
AS $$
DECLARE
    events_now double precision;
    bytes_now double precision;
    wait_s double precision;
BEGIN
    INSERT INTO quota_balance (tenant, source, events_left, bytes_left, refilled_at)
    VALUES (of_tenant, of_source, take_quota.events_per_s * burst_s, take_quota.bytes_per_s * burst_s, clock_timestamp())
    ON CONFLICT (tenant, source) DO NOTHING;
    -- Who waits for another call here looks at the balance that it leaves.
    PERFORM FROM quota_balance WHERE tenant = of_tenant AND source = of_source FOR UPDATE;
    SELECT least(take_quota.events_per_s * burst_s, events_left + take_quota.events_per_s * passed.s),
           least(take_quota.bytes_per_s * burst_s, bytes_left + take_quota.bytes_per_s * passed.s)
    INTO events_now, bytes_now
    FROM quota_balance
    CROSS JOIN LATERAL (SELECT greatest(0, extract(epoch FROM clock_timestamp() - refilled_at)) AS s) AS passed
    WHERE tenant = of_tenant AND source = of_source;
    wait_s := greatest(
        CASE WHEN take_quota.events_per_s > 0 THEN -events_now / take_quota.events_per_s END,
        CASE WHEN take_quota.bytes_per_s > 0 THEN -bytes_now / take_quota.bytes_per_s END
    );
    IF wait_s >= 0 THEN
        RETURN greatest(wait_s, 0.01);
    END IF;
    UPDATE quota_balance
    SET events_left = events_now - CASE WHEN take_quota.events_per_s > 0 THEN events ELSE 0 END,
        bytes_left = bytes_now - CASE WHEN take_quota.bytes_per_s > 0 THEN bytes ELSE 0 END,
        refilled_at = clock_timestamp()
    WHERE tenant = of_tenant AND source = of_source;
    RETURN 0;
END
$$;
