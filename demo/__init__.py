"""The main job, for eyes: a service desk, simulated or from a log, played through the suite and reported on."""
