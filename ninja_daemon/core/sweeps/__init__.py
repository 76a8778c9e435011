"""A grid of one strategy's periods over one history: every pair's outcomes, and what may be said of so many tries.

The shared work is done once in numpy; each cell equals the replay of its pair alone.
"""
