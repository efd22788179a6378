"""MIMIC-IV 2.2 and 3.1: ICU stays, hospital tables, and the modules of notes, radiographs and ECGs.

Johnson AEW, Bulgarelli L, Shen L, et al. MIMIC-IV, a freely accessible electronic health record
dataset. Sci Data 2023;10:1.
"""
