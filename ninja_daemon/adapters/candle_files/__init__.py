"""Candle files as people have them: any known format in, right candles out, nothing guessed (contract 10)."""
