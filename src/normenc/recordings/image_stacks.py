"""Stacks of images: which axis counts the images, and whether their numbers start at 0 or 1."""

from itertools import permutations
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.errors import InputError
from normenc.recordings.axes import Shaped, shaped
from normenc.recordings.on_disk import on_disk

__all__ = ["counted_from", "first_axis_counts", "places_of_numbers"]

ROWS = ("height", "row", "rows", "y")  # names of axes
COLUMNS = ("width", "column", "columns", "x")
COUNTS = ("image", "images", "picture", "pictures", "stimulus", "stimuli", "scene", "scenes")
COLOURS = (3, 4)  # channels
COLOURS_SAID = "3 or 4 values, as colours have"
ALL, LAST, SOME = 3, 2, 1  # how well numbers go with an axis: all occur, the last does, none is beyond it
Ints = npt.NDArray[np.int64]


def first_axis_counts(images: Any, numbers: Ints | None, n_names: int | None) -> tuple[Any, tuple[str, ...]]:
    """The stack with its images along the first axis and colours along the last, and in words if that was changed.

    Parameters
    ----------
    images : array_like, shape (n, height, width), (height, width, n) or either with colours
    numbers : ndarray of int, optional
        That trials call images by.
    n_names : int, optional
        How many names there are, one for each image.

    Raises
    ------
    InputError
        If the stack can be read in two ways.

    Examples
    --------
    >>> stack, said = first_axis_counts(np.zeros((60, 80, 12)), np.arange(1, 13), None)
    >>> stack.shape, said[0]
    ((12, 60, 80), 'images have shape (60, 80, 12), read as height x width x images, because the last axis counts them')
    """
    given = shaped(images)
    orders = _orders(given)
    if len(orders) < 2 or (numbers is None and n_names is None):
        return _read(given, orders[0]) if orders else (images, ())
    fits = [_fit(given.shape[order[0]], numbers, n_names) for order in orders]
    if max(fits) > SOME:
        best = [order for order, fit in zip(orders, fits, strict=True) if fit == max(fits)]
        return _read(given, best[0], is_open=len({order[0] for order in best}) > 1)
    if min(fits) == SOME and not _mostly_shown(given.shape, numbers):  # names or numbers go with no axis exactly
        raise InputError(
            f"images have shape {given.shape}, and trials show numbers {_range(numbers)}; images may be along the "
            "first or the last axis. Give image_names, one for each image, or a folder of images"
        )
    return _read(given, orders[0])


def _orders(given: Shaped) -> list[tuple[int, ...]]:
    """Orders of axes in which a stack can be read: images, height, width and colours; as their names say, if any do."""
    called = [str(dim).lower() for dim in given.dims]
    rows, columns, counts = ([axis for axis, dim in enumerate(called) if dim in of] for of in (ROWS, COLUMNS, COUNTS))
    if len(rows) == len(columns) == 1:
        return [
            (own, rows[0], columns[0], *colours)
            for own, *colours in permutations(axis for axis in range(len(called)) if axis not in (*rows, *columns))
            if counts in ([], [own]) and all(given.shape[colour] in COLOURS for colour in colours)
        ]
    if len(called) == 3:
        orders: list[tuple[int, ...]] = [(0, 1, 2), (2, 0, 1)]
    else:
        known: tuple[tuple[tuple[int, ...], int], ...] = (((0, 1, 2, 3), 3), ((3, 0, 1, 2), 2), ((0, 2, 3, 1), 1))
        orders = [order for order, colour in known if given.shape[colour] in COLOURS]
        if not orders:
            orders = [order[:3] for order, colour in known if given.shape[colour] == 1][:1]
    return [order for order in orders if [order[0]] == counts] if len(counts) == 1 else orders


def _read(given: Shaped, order: tuple[int, ...], *, is_open: bool = False) -> tuple[Any, tuple[str, ...]]:
    """The stack in this order of axes, and what is to be said of it."""
    shape = f"images have shape {given.shape}"
    said: tuple[str, ...] = ()
    if order[1] > order[2] or order[0] not in (0, len(given.shape) - 1):
        names = ", ".join(map(str, given.dims))
        said = (f"{shape}, read by the names of their axes ({names})",)
    elif order[0] != 0:
        read = "height x width x images" if len(order) == 3 else "height x width x colours x images"
        said = (f"{shape}, read as {read}, because the last axis counts them",)
    elif is_open:
        said = (f"{shape}: the first and the last axis both fit the number of images; the first is read as images",)
    elif len(order) == 4 and list(order) != sorted(order):
        said = (f"{shape}, read as images x colours x height x width, because the second axis has {COLOURS_SAID}",)
    if list(order) == list(range(len(given.shape))):
        return given.array, said
    if on_disk(given.array):
        from normenc.stimuli.stacks import Some

        return Some(given.array, np.arange(given.shape[order[0]]), order), said
    from normenc.stimuli.stacks import ordered

    return ordered(given.array, order), said


def _fit(length: int, numbers: Ints | None, n_names: int | None) -> int:
    if n_names is not None:
        return ALL if length == n_names else 0
    assert numbers is not None
    low, high = int(numbers.min()), int(numbers.max())
    if low < 0 or high > length or (low == 0 and high == length):
        return 0
    if len(np.unique(numbers)) == length:
        return ALL
    return LAST if high == length or (low == 0 and high == length - 1) else SOME


def _mostly_shown(shape: tuple[int, ...], numbers: Ints | None) -> bool:
    """Whether trials show at least half of the images along the first axis, and of those along the last fewer."""
    n_shown = 0 if numbers is None else len(np.unique(numbers))
    return shape[0] <= 2 * n_shown < shape[-1]


def _range(numbers: Ints | None) -> str:
    return "none" if numbers is None else f"{numbers.min()} to {numbers.max()}"


def counted_from(numbers: Ints, n_images: int, *, one_based: bool) -> tuple[int, bool]:
    """The number of the first image, 0 or 1, and whether nothing but custom says so.

    Parameters
    ----------
    numbers : ndarray of int
        That all trials of a file show, kept or not.
    n_images : int
    one_based : bool
        The custom: MATLAB counts from 1.

    Examples
    --------
    >>> counted_from(np.arange(1, 13), 12, one_based=False), counted_from(np.arange(1, 12), 12, one_based=False)
    ((1, False), (0, True))
    """
    low, high = int(numbers.min()), int(numbers.max())
    if low < 1 or high >= n_images:
        return int(low >= 1 and high == n_images), False
    return int(one_based), True


def places_of_numbers(
    numbers: Ints, n_images: int, of_all: Ints | None, *, one_based: bool
) -> tuple[Ints, tuple[str, ...]]:
    """The place of each number's image, and in words how images are counted.

    Parameters
    ----------
    numbers : ndarray of int
        Of the trials that are kept.
    n_images : int
    of_all : ndarray of int, optional
        Of all trials of the file; None if not all are numbers.
    one_based : bool
        See :func:`counted_from`.

    Raises
    ------
    InputError
        If a number is beyond the images.
    """
    low, high = int(numbers.min()), int(numbers.max())
    every = of_all if of_all is not None and of_all.max() <= n_images else numbers
    first, is_open = counted_from(every, n_images, one_based=one_based)
    if low < first or high >= n_images + first:
        raise InputError(
            f"images are numbered from {low} to {high}, but there are {n_images}; number them from 0 to "
            f"{n_images - 1}, or from 1 to {n_images}"
        )
    if is_open:
        said = (
            f"images are numbered from {first}, as is usual in {'MATLAB' if first else 'Python'}: {every.min()} to "
            f"{every.max()} of {n_images} images would fit both; image_names, one for each image, would settle it"
        )
        return numbers - first, (said,)
    return numbers - first, ("images are numbered from 1",) if first else ()
