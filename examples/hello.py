"""Packs one static program into an image that `docker load` reads.

Usage: python examples/hello.py [PROGRAM [OUTPUT]]
"""

import sys

import fastlayer as fl


def main(program: str = "build/hello", output: str = "build/hello.tar") -> None:
    """Build the image and print what identifies it."""
    layer = fl.Layer.from_files({"app": program}, mode=0o755)
    image = (
        fl.Image.scratch(platform=fl.Platform.host())
        .append(layer)
        .with_config(entrypoint=["/app"], created="2025-04-18T19:07:30Z")
    )
    built = image.save(output, tags=["custom/hello:latest"])

    print(f"image created as {output}")
    print(f"manifest {built.digest}")
    print(f"config   {built.config.digest}")
    print(f"diff_id  {built.layers[0].diff_id}")


if __name__ == "__main__":
    main(*sys.argv[1:3])
