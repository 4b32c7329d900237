"""What every report says of the conditions, and how it is written."""

from collections.abc import Sequence
from pathlib import Path

from .machine import Machine
from .tables import MB


def machine_line(machine: Machine) -> str:
    """Return the line of a list that says where it was measured."""
    instructions = ", ".join(machine.instructions) or "none of note"
    return (
        f"- machine: {machine.line}; instructions: {instructions};"
        f" {machine.memory_bytes / MB / 1000:.1f} GB of memory"
    )


def write_reports(out: Path, name: str, markdown: str, picture: str, json: str) -> str:
    """Write the three files of a bench into the folder; return what to say of that."""
    texts = {f"{name}.md": markdown, f"{name}.svg": picture, f"{name}.json": json}
    for file, text in texts.items():
        (out / file).write_text(text, encoding="utf-8")
    return f"wrote {', '.join(texts)} in {out}"


def sections(*parts: str | Sequence[str]) -> str:
    """Return the parts of a document with an empty line between each; lists are lines."""
    texts = (part if isinstance(part, str) else "\n".join(part) for part in parts)
    return "\n\n".join(text.strip() for text in texts) + "\n"
