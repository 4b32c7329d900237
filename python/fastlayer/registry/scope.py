"""What a token allows: pairs of a resource, such as `repository:library/app`, and an action.

As text they are `repository:library/app:pull,push` (distribution, "Token Scope Documentation").
"""

from __future__ import annotations

from typing import TypeAlias

__all__ = ["NONE", "Scopes", "parse_scopes", "pull", "push", "removal", "scope_texts"]

Scopes: TypeAlias = frozenset[tuple[str, str]]

NONE: Scopes = frozenset()


def pull(repository: str) -> Scopes:
    """Allow reading a repository."""
    return frozenset({(f"repository:{repository}", "pull")})


def push(repository: str) -> Scopes:
    """Allow reading and writing a repository."""
    return pull(repository) | {(f"repository:{repository}", "push")}


def removal(repository: str) -> Scopes:
    """Allow deleting what is in a repository."""
    return pull(repository) | {(f"repository:{repository}", "delete")}


def parse_scopes(text: str) -> Scopes:
    """Read what a challenge asks for; what has not the form is left out."""
    parts = (word.rpartition(":") for word in text.split())
    return frozenset(
        (resource, action)
        for resource, _, actions in parts
        if resource
        for action in actions.split(",")
        if action
    )


def scope_texts(scopes: Scopes) -> list[str]:
    """Write them, one text for each resource."""
    resources = sorted({resource for resource, _ in scopes})
    return [
        f"{resource}:{','.join(sorted(action for held, action in scopes if held == resource))}"
        for resource in resources
    ]
