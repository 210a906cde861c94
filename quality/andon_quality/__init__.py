"""The mathematics of service quality: pure functions over numpy arrays, no I/O, no clock."""
