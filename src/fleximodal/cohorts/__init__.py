"""Cohorts: who is in, the label, the splits, and the gates against leakage."""
