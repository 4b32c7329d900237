"""TOML files of images: a value, or an error that names the file."""

from fastlayer.image_file import read_image_file
from fuzz.held import folder, value_of


def check(content: bytes) -> None:
    path = folder() / "image.toml"
    path.write_bytes(content)

    def check_place(message: str) -> None:
        assert message.startswith(f"`{path}`"), message

    value_of(lambda: read_image_file(path), check_place)
