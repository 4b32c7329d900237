"""`fastlayer mtree`: a directory, an archive or a layer as text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from fastlayer.cli.command import Command, option
from fastlayer.cli.options import progress_option
from fastlayer.cli.progress import meter
from fastlayer.cli.text import echo
from fastlayer.mtree import describe

if TYPE_CHECKING:
    from typing import Literal

__all__ = ["mtree_command"]

_SECTION: Final = "What to say"

_EXAMPLES: Final = """\
# What a layer of a directory holds, and the layer of that description:
fastlayer mtree rootfs > rootfs.mtree
fastlayer layer rootfs.mtree --base rootfs -o layer.tar.gz

# What differs between two layers:
diff <(fastlayer mtree old.tar.gz) <(fastlayer mtree new.tar.gz)

# For bsdtar, which does not know extended attributes:
fastlayer mtree rootfs --no-digest --xattrs none > rootfs.mtree
bsdtar -C rootfs -cf rootfs.tar @rootfs.mtree
"""


@click.command("mtree", cls=Command, examples=_EXAMPLES)
@click.argument("path", metavar="PATH")
@option(
    "--no-digest",
    section=_SECTION,
    is_flag=True,
    help="Leave out the SHA-256 of content: the files of a directory are not read then.",
)
@option(
    "--xattrs",
    section=_SECTION,
    type=click.Choice(["keep", "none"]),
    default="keep",
    show_default=True,
    help="Extended attributes, capabilities among them.",
)
@progress_option
def mtree_command(
    path: str,
    *,
    no_digest: bool,
    xattrs: Literal["keep", "none"],
    progress: str,
) -> None:
    """Print the mtree(5) description of PATH, a line for each entry that a layer of it holds.

    PATH is a directory, or a tar or layer: plain, gzip, bzip2, xz or zstd.
    """
    with meter(progress) as shown:
        text = describe(path, digests=not no_digest, xattrs=xattrs, progress=shown.follow(path))
    echo(text, end="")
