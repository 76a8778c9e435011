"""Market data: instruments, timeframes and their borders, trading hours, instants, candles and columns of candles.

Averages and signals live in the folders beside this one, which build on it. Reading a file or a broker is an adapter.
"""
