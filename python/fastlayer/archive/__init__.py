"""Image archives and image layouts on disk.

Reading:

- `contents`: which images are there
- `rows`, `images`: Docker's `manifest.json`, and an image of it
- `members`: the files inside an archive or layout, found by name
- `blob`: a document or layer where it lies

Writing:

- `docker`: the archive that loads everywhere
- `layout`: OCI layout directories
- `layer_file`: a layer alone
- `output`: files that appear complete or not at all
- `store`: blobs as members of a tar that is being written
- `spool`: outputs that are streams
"""
