"""The suite: one package per service, the same shelf in each."""
