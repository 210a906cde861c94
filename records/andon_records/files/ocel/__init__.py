"""Object-centric event logs (OCEL 2.0) in three formats, staged on disk and read as the events of one case notion."""
