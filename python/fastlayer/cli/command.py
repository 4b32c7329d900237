"""Commands whose help shows examples first, their options in sections and in their order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["SETTINGS", "Command", "Examples", "Option", "in_order", "option", "together"]

SETTINGS: Final = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
"""How every command of ours answers for itself."""

_LAST_SECTION: Final = "Output"
_ORDER: Final = "fastlayer.cli.command.order"

_F = TypeVar("_F", bound="Callable[..., Any]")


class Examples(click.Command):
    """A command with example lines, shown as they are written, below its description."""

    def __init__(self, *args: Any, examples: str = "", **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.examples = examples

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the description, then the examples."""
        super().format_help_text(ctx, formatter)
        with formatter.section("Examples"):
            for line in self.examples.splitlines():
                formatter.write(f"{'':{formatter.current_indent}}{line}".rstrip() + "\n")


class Option(click.Option):
    """An option that belongs to a section of the help."""

    def __init__(self, *args: Any, section: str = _LAST_SECTION, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.section = section


class Command(Examples):
    """A verb of the command line, which knows in which order its options were given."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, context_settings=SETTINGS, **settings)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse once more than click does, which keeps the order of each option's values only."""
        *_, order = self.make_parser(ctx).parse_args(list(args))
        ctx.meta[_ORDER] = [param.name for param in order]
        return super().parse_args(ctx, args)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, section by section in the order of their first options."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if isinstance(param, click.Option) and record is not None:
                section = param.section if isinstance(param, Option) else _LAST_SECTION
                sections.setdefault(section, []).append(record)
        last = sections.pop(_LAST_SECTION)  # there is one: every command has `--help`
        for section, records in [*sections.items(), (_LAST_SECTION, last)]:
            with formatter.section(section):
                formatter.write_dl(records)


def in_order(context: click.Context, *names: str) -> list[tuple[str, Any]]:
    """List the values of these options as the command line has them, each with its option's name.

    All of them are options that may be repeated.
    """
    values = {name: iter(context.params[name]) for name in names}
    return [(name, next(values[name])) for name in context.meta[_ORDER] if name in values]


def option(*names: str, section: str, **settings: Any) -> Callable[[_F], _F]:
    """Declare an option of a section."""
    return click.option(*names, cls=Option, section=section, **settings)


def together(*declared: Callable[[_F], _F]) -> Callable[[_F], _F]:
    """Declare several options at once; the help shows them in this order."""

    def declare(command: _F) -> _F:
        for one in reversed(declared):
            command = one(command)
        return command

    return declare
