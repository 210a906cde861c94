"""Talk to Andon: write events, follow scores, signals and problems, and ask why."""
