"""What other settings make of one history: two configurations compared, and a grid of one strategy's periods.

Of a grid the shared work is done once in numpy. Each cell equals the replay of its pair alone.
"""
