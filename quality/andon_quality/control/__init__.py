"""Control charts: phase I freezes a baseline, later points are charted against it, batch or streamed."""
