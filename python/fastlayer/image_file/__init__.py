"""Image files: a whole image as TOML, with its base, layers, settings, platforms and outputs.

    base = "docker://registry.example/debian:12"
    tags = ["demo/app:1"]
    platforms = ["linux/amd64", "linux/arm64"]
    output = ["app.tar", "oci:out"]

    [config]
    entrypoint = ["/app"]

    [[layer]]
    files = { app = "build/{arch}/app" }
    mode = "0755"

`docs/image-file.md` has all keys.
"""

from fastlayer.image_file.file import ImageFile, read_image_file

__all__ = ["ImageFile", "read_image_file"]
