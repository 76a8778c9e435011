"""SVG to PNG, in a process of its own and with the shipped font alone."""
