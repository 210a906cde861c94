"""Forms: what is graded, what is planned to be observed, and what observations say."""
