"""Floor 2: what the processes do, against ports. They return what happened and log nothing.

Rules are in ``core``; when a wake begins, what is logged and what is retried is in ``app.daemon``.
"""
