"""Description of a sample: exact streaming moments, quantile sketches with a stated error, and summaries."""
