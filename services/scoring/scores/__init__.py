"""Scores and signals: pure decisions from exact window statistics; no gRPC, no database, no protobuf, no clock."""
