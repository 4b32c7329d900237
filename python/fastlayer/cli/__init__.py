"""The command line. Verbs parse, call public functions and print.

Results go to stdout, talk to stderr. A verb's module is imported when the verb is used.
"""

from fastlayer.cli.run import main

__all__ = ["main"]
