"""Replays as the command ``replay`` makes them: options, candles from files or the broker, output.

How strategies are run over history is ``usecases.replay``; reading files of candles is ``adapters.candle_files``.
"""
