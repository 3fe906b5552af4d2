"""What was first read of images on disk, so that all results are of one content."""

from hashlib import sha256
from typing import Any

from normenc.errors import InputError

__all__ = ["FirstRead"]


class FirstRead:
    """Digests of what was first read of each image, so that one that has changed since is refused."""

    def __init__(self) -> None:
        self.digests: dict[int, bytes] = {}

    def check(self, place: int, content: Any, what: str) -> bytes:
        """The digest of an image's content; InputError, which names `what`, if it was another when first read."""
        digest = sha256(content).digest()
        if self.digests.setdefault(place, digest) != digest:
            raise self.refusal(what)
        return digest

    def refusal(self, what: str) -> InputError:
        """For images that have changed."""
        return InputError(
            f"{what}: this has changed since it was first read, so that results would be of two contents; nothing was "
            "kept of the changed one. Start again once it no longer changes"
        )
