#!/usr/bin/env bash
# Build the containers of Dockerfile and apptainer.def, and try them; tools that are not installed are named.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
built=0
version=$(git describe --tags --match "v*" --exact-match 2> /dev/null || true)  # of a release; else the fallback
if command -v docker > /dev/null; then
  docker build --tag normenc --build-arg "VERSION=${version#v}" .
  docker run --rm normenc --version
  docker run --rm normenc check simulated-v1
  built=1
else
  echo "docker is not installed: its image was not built" >&2
fi
if command -v apptainer > /dev/null; then
  apptainer build --force --build-arg "version=${version#v}" build/normenc.sif apptainer.def
  apptainer test build/normenc.sif
  built=1
else
  echo "apptainer is not installed: its image was not built" >&2
fi
[ "$built" = 1 ]
