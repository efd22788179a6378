"""Frozen encoders: one vector with a time for every note, radiograph, ECG and list of codes."""
