"""Replays as the command ``replay`` makes them: what is asked for, where the candles come from, what is said.

How strategies are run over history is ``usecases.replay``; reading files of candles is ``adapters.candle_files``.
"""
