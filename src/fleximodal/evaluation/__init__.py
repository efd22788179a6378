"""Metrics with intervals, from stored predictions alone."""
