"""The fold of one partition: pages of events in, exact window statistics out; no database, no network, no clock."""
