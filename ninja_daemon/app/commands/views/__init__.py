"""Commands that show what is: status, signals."""
