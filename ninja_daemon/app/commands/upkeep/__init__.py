"""Commands of the operator: init, check, reload, queue, strategies, backup, restore.

Commands that only show something are in ``commands.views``.
"""
