"""Pictures as the commands make them: what they show is gathered here, how they look is in core/pictures."""
