"""All keys of a namespace, read for a backup and written back.

The file that a backup is, is ``adapters.files``.
"""
