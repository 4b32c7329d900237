"""Faults of the machine: system calls that fail, memory and threads that are short, kills.

After each of them holds: an output is complete or absent, and what was there before is untouched.
"""
