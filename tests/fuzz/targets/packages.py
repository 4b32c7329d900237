"""Debian packages: their parts and control data, or an error that names the file."""

from fastlayer.recipes.deb import Deb
from fuzz.held import folder, value_of


def check(content: bytes) -> None:
    path = folder() / "package.deb"
    path.write_bytes(content)
    package = value_of(lambda: Deb.read(path))
    if package is not None:
        assert package.data.offset + package.data.size <= len(content)
        value_of(lambda: package.pick("*", limit=1 << 20))
