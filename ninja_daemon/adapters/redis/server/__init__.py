"""What a server says of itself, of our rights and of our keys; asked by ``check``.

Talking to a server is the folder above; which servers there are is ``redis.topology``.
"""
