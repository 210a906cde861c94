"""One file per kind of peer: each takes, writes, and only then lets its peer forget."""
