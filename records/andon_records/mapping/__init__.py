"""What a mapping says, and the columns of events that it makes of columns of records."""
