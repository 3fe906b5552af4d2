"""How much a packed part of a Zarr store unpacks to, known before a library unpacks it into memory."""

import bz2
import lzma
import struct
import zlib
from pathlib import Path
from typing import Any

__all__ = ["unpacks_beyond"]

STEP = 2**20  # bytes at a time
ZSTD = 0xFD2FB528  # what a frame begins with, see RFC 8878


def unpacks_beyond(file: Path, packing: str, most: int, *, counted: bool) -> bool:
    """Whether a file would unpack to more than so many bytes.

    Parameters
    ----------
    file : Path
    packing : str
        ``"blosc"``, ``"zstd"`` and ``"lz4"`` say how much it is; ``"gzip"``, ``"zlib"``, ``"bz2"`` and ``"lzma"`` do
        not; of others nothing is known.
    most : int
    counted : bool
        Unpack those that do not say it, a little at a time.
    """
    with file.open("rb") as opened:
        head = opened.read(18)
    said = _stated(head, packing)
    if said is not None:
        return said > most
    return counted and _counts_beyond(file, packing, most)


def _stated(head: bytes, packing: str) -> int | None:
    if packing == "blosc" and len(head) >= 8:
        return int(struct.unpack("<I", head[4:8])[0])
    if packing == "lz4" and len(head) >= 4:
        return int(struct.unpack("<I", head[:4])[0])
    if packing == "zstd" and len(head) >= 6 and struct.unpack("<I", head[:4])[0] == ZSTD:
        return _size_of_frame(head)
    return None


def _size_of_frame(head: bytes) -> int | None:
    """What a frame of Zstandard says that it holds; None if it says nothing."""
    described = head[4]
    kind, is_single = described >> 6, bool(described & 0x20)
    n_bytes = (1 if is_single else 0, 2, 4, 8)[kind]
    start = 5 + (not is_single) + (0, 1, 2, 4)[described & 3]
    if not n_bytes or len(head) < start + n_bytes:
        return None
    return int.from_bytes(head[start : start + n_bytes], "little") + 256 * (n_bytes == 2)


def _counts_beyond(file: Path, packing: str, most: int) -> bool:
    makers: dict[str, Any] = {
        "zlib": lambda: zlib.decompressobj(47),
        "gzip": lambda: zlib.decompressobj(47),
        "bz2": bz2.BZ2Decompressor,
        "lzma": lzma.LZMADecompressor,
    }
    if packing not in makers or file.stat().st_size * 1100 < most:  # the most that a zip makes of a byte
        return False
    unpacker, n_bytes = makers[packing](), 0
    with file.open("rb") as opened:
        raw = opened.read(STEP)
        while raw and not unpacker.eof and n_bytes <= most:
            n_bytes += len(unpacker.decompress(raw, STEP))
            left = getattr(unpacker, "unconsumed_tail", b"")
            needs = getattr(unpacker, "needs_input", not left)
            raw = left or (opened.read(STEP) if needs else b"")
            if not raw and not needs and not unpacker.eof:  # what bz2 and lzma keep to themselves
                while not unpacker.needs_input and not unpacker.eof and n_bytes <= most:
                    n_bytes += len(unpacker.decompress(b"", STEP))
                raw = opened.read(STEP)
    return n_bytes > most
