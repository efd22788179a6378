"""PhysioNet/CinC Challenge 2012: 12,000 ICU stays, the first 48 hours of each.

Silva I, Moody G, Scott DJ, Celi LA, Mark RG. Predicting in-hospital mortality of ICU patients: the
PhysioNet/Computing in Cardiology Challenge 2012. Comput Cardiol 2012;39:245-248.
"""
