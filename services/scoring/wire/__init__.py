"""Protobuf and model, both ways. Nothing else below the servicer knows protobuf."""
