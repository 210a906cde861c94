"""The log of one tenant: what is appended to it, how it is read in commit order, and the interface of a store of it."""
