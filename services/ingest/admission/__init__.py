"""What may come in: bytes become columns, events are checked, and identity is replaced before anything is stored."""
