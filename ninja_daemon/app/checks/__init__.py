"""What ``check`` looks for: a module for each thing. Nothing is sent and nothing is changed.

Mistakes in the files themselves are found by ``app.settings``, which every command reads.
"""
