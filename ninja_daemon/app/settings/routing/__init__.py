"""Who gets which message: routes, alerts, silences, timed reports, and the proof that every signal has a way out.

Destinations themselves are in the folder above.
"""
