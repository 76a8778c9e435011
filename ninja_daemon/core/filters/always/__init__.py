"""The filters that every strategy has (contract 4.5).

The optional ones lie one folder up.
"""
