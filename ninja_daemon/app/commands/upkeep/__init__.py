"""Commands of the operator: check, queue, backup, restore."""
