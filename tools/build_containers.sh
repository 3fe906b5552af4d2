#!/usr/bin/env bash
# Build the containers of Dockerfile and apptainer.def, and try them. A tool that is missing, or that cannot be used, is named.
#
#     tools/build_containers.sh            on the CPU
#     tools/build_containers.sh cu126      with CUDA 12.6: the name of torch's index
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
torch=${1:-cpu}
index=https://download.pytorch.org/whl/$torch
version=$(git describe --tags --match "v*" --exact-match 2> /dev/null || true)  # of a release; else the fallback
has_torch="import torch; assert torch.__version__.endswith('+$torch'), torch.__version__"
built=0

if ! command -v docker > /dev/null; then
  echo "docker is not installed: its image was not built" >&2
elif ! said=$(docker info 2>&1 > /dev/null); then
  echo "docker cannot be used: its image was not built. It says: ${said##*$'\n'}" >&2
else
  docker build --tag "normenc:$torch" --build-arg "VERSION=${version#v}" --build-arg "TORCH_INDEX=$index" .
  docker run --rm --entrypoint python "normenc:$torch" -c "$has_torch"
  docker run --rm "normenc:$torch" --version
  docker run --rm "normenc:$torch" check simulated-v1
  built=1
fi

if ! command -v apptainer > /dev/null; then
  echo "apptainer is not installed: its image was not built" >&2
else
  mkdir -p build
  apptainer build --force --build-arg "version=${version#v}" --build-arg "torch_index=$index" "build/normenc-$torch.sif" apptainer.def
  apptainer exec "build/normenc-$torch.sif" python -c "$has_torch"
  apptainer test "build/normenc-$torch.sif"
  built=1
fi
[ "$built" = 1 ]
