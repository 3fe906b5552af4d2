"""``python -m normenc``, for where the command ``normenc`` is not on the path."""

from normenc.cli import main

if __name__ == "__main__":
    main()
