"""The indicator system: the document as plain values, its lint, and the series and windows that follow from it."""
