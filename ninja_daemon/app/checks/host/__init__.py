"""``check --host``: what an operator's machine must be like, one module for each kind of fact.

Facts of the configuration, of the broker and of Redis are looked at in the modules beside this folder.
"""
