"""How several daemons divide the work."""
