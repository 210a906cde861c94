-- ListSignals of a span reads that span.
CREATE INDEX signal_by_time ON signal (tenant, window_start);
