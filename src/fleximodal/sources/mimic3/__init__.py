"""MIMIC-III 1.4: intensive-care stays of Beth Israel Deaconess Medical Center, 2001 to 2012.

Johnson AEW, Pollard TJ, Shen L, Lehman LH, Feng M, Ghassemi M, Moody B, Szolovits P, Celi LA,
Mark RG. MIMIC-III, a freely accessible critical care database. Sci Data 2016;3:160035.

Johnson A, Pollard T, Mark R. MIMIC-III Clinical Database Demo (version 1.4). PhysioNet 2019.
doi:10.13026/C2HM2Q.
"""
