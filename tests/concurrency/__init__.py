"""Builds side by side: in threads, in processes, and many writers on one layout.

Each scenario runs in a process of its own, which is ended if it hangs.
"""
