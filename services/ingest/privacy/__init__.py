"""Personal identifiers in texts: found by form, checksum, dictionary and context, and replaced. Pure."""
