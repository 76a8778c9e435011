"""What a daemon does while something fails: a store that is away, a token that is refused, what is tried again.

The wake itself is in the folder above.
"""
