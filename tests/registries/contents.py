"""What a test registry holds: blobs, manifests, tags and uploads, all in memory."""

import hashlib
import itertools
from dataclasses import dataclass, field


def digest_of(content: bytes, algorithm: str = "sha256") -> str:
    return f"{algorithm}:{hashlib.new(algorithm, content).hexdigest()}"


def is_digest_of(digest: str, content: bytes) -> bool:
    algorithm = digest.partition(":")[0]
    return algorithm in ("sha256", "sha512") and digest == digest_of(content, algorithm)


@dataclass
class Upload:
    """An upload session: what has come, and which of its Locations is the last one."""

    repository: str
    content: bytearray = field(default_factory=bytearray)
    state: int = 0
    is_short: bool = False  # a chunk below the minimum came: it has to be the last one


@dataclass(frozen=True)
class Manifest:
    media_type: str
    content: bytes


@dataclass
class Contents:
    """Everything by repository; blobs and manifests by digest there."""

    blobs: dict[tuple[str, str], bytes] = field(default_factory=dict)
    manifests: dict[tuple[str, str], Manifest] = field(default_factory=dict)
    tags: dict[tuple[str, str], str] = field(default_factory=dict)
    uploads: dict[str, Upload] = field(default_factory=dict)
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    def add_blob(self, repository: str, content: bytes) -> str:
        """Keep a blob and give its digest."""
        digest = digest_of(content)
        self.blobs[repository, digest] = content
        return digest

    def add_manifest(
        self, repository: str, media_type: str, content: bytes, tag: str | None = None
    ) -> str:
        """Keep a manifest, whatever it refers to, and give its digest."""
        digest = digest_of(content)
        self.manifests[repository, digest] = Manifest(media_type, content)
        if tag is not None:
            self.tags[repository, tag] = digest
        return digest

    def manifest(self, repository: str, reference: str) -> Manifest | None:
        """The manifest that a tag or digest means."""
        digest = self.tags.get((repository, reference), reference)
        return self.manifests.get((repository, digest))

    def tags_of(self, repository: str) -> list[str] | None:
        """The tags in order, or None if there is no such repository."""
        known = {name for name, _ in (*self.blobs, *self.manifests)}
        tags = sorted(tag for name, tag in self.tags if name == repository)
        return tags if repository in known else None

    def begin(self, repository: str) -> str:
        """Begin an upload session and give its name."""
        name = f"upload-{next(self._numbers)}"
        self.uploads[name] = Upload(repository)
        return name
