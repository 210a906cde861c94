"""How a service process runs: it starts whole, answers in one voice, and leaves without losing anything."""
