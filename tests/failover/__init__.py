"""Several servers and several daemons: what becomes of signals when some of them die, sleep, or are cut off.

Here are the groups of servers, the machines that they run on, and the tests. How processes of the product are started,
judged and counted is that of ``tests.faults``.
"""
