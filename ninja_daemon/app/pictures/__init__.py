"""Pictures as the commands make them: what they show is gathered here.

How they look is ``core.pictures``; making a PNG is ``adapters.pictures``.
"""
