"""What ``why`` and ``audit`` say: decisions, differences, and when each candle was taken in.

The commands lie in app/commands; what is derived and compared lies in usecases/proof.
"""
