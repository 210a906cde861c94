"""What is recorded apart from the log: sources and their policy, refused events, answers to request ids."""
