"""The ``normenc`` command: commands, progress, and errors for people."""

from normenc.cli.commands import app, main

__all__ = ["app", "main"]
