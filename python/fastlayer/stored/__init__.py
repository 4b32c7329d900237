"""Images and blobs that are there already, in an archive, a layout or a registry.

- `listing`: what an index leads to, by tag
- `choice`: one of several images, by platform
- `image`: one image, its documents verified
- `blob`: a blob read in full, and verified
- `budget`: how often documents are read
- `absent`: layers that are not where their image is
- `tree`, `contents`: indexes with all that they lead to, and all of one place
"""
