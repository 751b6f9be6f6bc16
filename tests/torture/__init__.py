"""Faults injected for real: killed processes, full disks, broken locks, damaged files. Nothing is mocked away.

Nothing in the product knows of it. A small program (`subject`) uses the library as anybody would, and the fault comes
from outside: from strace at one system call, from a wrapper around one function of `os` in that very process
(`boundary`, where there is no strace), from a small filesystem in a namespace of its own, or from a signal.

`make torture` runs all of it and writes RESULTS.md; the suite runs the ``test_*.py`` here, which take a part.
"""
