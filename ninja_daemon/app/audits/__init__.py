"""Audits: what they found, as fields and as lines, and the one that the daemon makes by itself.

The command lies in app/commands; what is derived and compared lies in usecases/proof.
"""
