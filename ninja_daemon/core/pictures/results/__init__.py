"""Pictures of many signals: the R curve, a replay over years, the heat map of a sweep.

The picture of one signal, of a strategy, and what all of them draw with, is one folder up.
"""
