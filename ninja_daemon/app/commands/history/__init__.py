"""Commands over histories of candles: replay."""
