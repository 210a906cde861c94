"""Surveys: what is asked, what came back of it, and what that says."""
