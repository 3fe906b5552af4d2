#!/usr/bin/env bash
# Write uv.lock from pyproject.toml, and constraints.txt from uv.lock. Versions stay as they are unless asked:
#
#     tools/lock.sh                             after a change of pyproject.toml
#     tools/lock.sh --upgrade                   all versions anew
#     tools/lock.sh --upgrade-package torch     one of them
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
uv lock --default-index https://pypi.org/simple "$@"
{
  echo "# The versions that the README's commands and CI use, for: pip install --constraint constraints.txt"
  echo "# Written by tools/lock.sh from uv.lock."
  uv export --quiet --locked --all-extras --no-emit-project --no-hashes --no-annotate --no-header --format requirements.txt \
    | sed 's/ ;.*//'   # each package has one version, for all systems
} > constraints.txt
