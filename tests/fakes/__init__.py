"""Fakes of the ports: small, honest, without a patch anywhere."""
