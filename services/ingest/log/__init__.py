"""The log of one tenant: batches gather, share a commit, and are read in commit order."""
