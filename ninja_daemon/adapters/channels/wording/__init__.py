"""What messages say: one signal as a destination is told of it, in its language, and laid out for each service.

Nothing here posts anything. Numbers are written as the signal has them, in every language.
"""
