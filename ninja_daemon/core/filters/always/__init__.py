"""The filters that every strategy has (contract 4.5); the optional ones lie beside this folder."""
