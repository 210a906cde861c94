"""The writer of one tenant's log: batches gather, share a commit, and each gets its answer."""
