"""What the readers of MIMIC-III and MIMIC-IV share: scans, segments of stays, blocks, checks."""
