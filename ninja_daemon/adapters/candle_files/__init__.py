"""Candle files as people have them: any known format in, right candles out, nothing guessed (contract 10).

The command's options are in ``app.candles``, backups in ``adapters.files``, kept candles in ``adapters.journal``.
"""
