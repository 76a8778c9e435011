"""The read-only page: a server on the standard library, HTML from small functions, one style sheet, one script."""
