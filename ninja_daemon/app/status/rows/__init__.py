"""Tables of the terminal: one line each at any width."""
