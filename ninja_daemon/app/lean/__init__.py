"""How a lasting process stays small: what it does not need is read by a short-lived child, or never loaded.

Not here: what the processes do (`app/daemon`, `app/notifier`, `app/web`).
"""
