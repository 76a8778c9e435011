"""What is shown of several lanes, servers and daemons that belong together.

What is shown of one strategy is in the folder above.
"""
