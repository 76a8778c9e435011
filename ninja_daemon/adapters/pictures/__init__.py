"""SVG to PNG, in a process of its own and with the shipped font alone.

The SVG is drawn by ``core.pictures``; what it shows is gathered by ``app.pictures``.
"""
