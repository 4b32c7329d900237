"""A registry for tests (distribution-spec 1.1): in this process, in memory, with faults on order.

It shares no code with the client. What it is asked is recorded, so that tests can say what was
sent, and what it is told to do wrong has to happen: a fault that never came to pass is an error.
"""

from .authority import Authority
from .exchange import Answer, Request, error, json_answer
from .faults import Alter, Cut, CutAnswer, Endless, Fault, Hang, LoseUpload, Redirect, Reply
from .proxy import CuttingProxy
from .routes import Rules
from .server import Registry
from .tokens import Basic, Bearer

__all__ = [
    "Alter",
    "Answer",
    "Authority",
    "Basic",
    "Bearer",
    "Cut",
    "CutAnswer",
    "CuttingProxy",
    "Endless",
    "Fault",
    "Hang",
    "LoseUpload",
    "Redirect",
    "Registry",
    "Reply",
    "Request",
    "Rules",
    "error",
    "json_answer",
]
