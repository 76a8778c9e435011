"""What the commands that last do with their settings, one file each, and what their command lines ask for.

Not here: how settings come to them (`app/lean`), and the work itself (`app/daemon`, `app/notifier`, `app/web`).
"""
