#!/usr/bin/env bash
# Build the sdist, the wheel from it, and try the wheel in a bare environment, away from the sources.
#
#     tools/try_wheel.sh          leaves both in build/dist
set -euo pipefail
unset PYTHONPATH
cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
rm -rf build/dist

python3 -m venv "$work/build"
"$work/build/bin/python" -m pip install --quiet --disable-pip-version-check build twine uv pipx
"$work/build/bin/python" -m build --outdir build/dist .   # the wheel is built from the sdist
"$work/build/bin/python" -m build --wheel --outdir "$work/direct" .
"$work/build/bin/python" - build/dist/*.whl "$work"/direct/*.whl <<'PYTHON'
import sys
import zipfile

one, other = ({name: archive.read(name) for name in archive.namelist()} for archive in map(zipfile.ZipFile, sys.argv[1:]))
differing = sorted(name for name in {*one, *other} if one.get(name) != other.get(name))
assert not differing, f"the wheels from the sdist and from the sources differ: {differing}"
PYTHON
"$work/build/bin/python" -m twine check --strict build/dist/*

python3 -m venv "$work/bare"
bin=$work/bare/bin
install=("$bin/python" -m pip install --quiet --disable-pip-version-check --constraint constraints.txt)
wheel=$(echo "$PWD"/build/dist/*.whl)
cd "$work"

echo "the core, without torch"
cp "$root/constraints.txt" .
"${install[@]}" "$wheel"
"$bin/python" - "$root" <<'PYTHON'
import sys
import normenc

assert not normenc.__file__.startswith(sys.argv[1] + "/src"), normenc.__file__
PYTHON
"$bin/normenc" --version
"$bin/normenc" examples
"$bin/python" -c "import numpy as np; np.savez('own.npz', responses=np.random.default_rng(0).random((24, 30)), orientation=np.arange(24) * 7.5)"
"$bin/normenc" check own.npz
if "$bin/normenc" run reference 2> said; then echo "a run without torch ended well?"; exit 1; fi
grep -F "pip install 'normenc[nets]'" said

echo "and with networks"
"${install[@]}" "$(grep '^torch==' constraints.txt)"
"${install[@]}" "${wheel}[nets]"
"$bin/python" - <<'PYTHON'
import normenc

for name in normenc.__all__:
    getattr(normenc, name)
PYTHON
"$bin/normenc" check simulated-v1
"$bin/normenc" run reference --dry-run
"$bin/normenc" run --stages represent,compare --out run
test -s run/similarity.csv

echo "and the lesson, alone"
"${install[@]}" nbclient ipykernel
mkdir lesson
cp "$root/docs/tutorial.ipynb" lesson
"$bin/jupyter-execute" lesson/tutorial.ipynb

echo "and as a command of its own"
export UV_TOOL_DIR=$work/uv UV_TOOL_BIN_DIR=$work/commands/uv PIPX_HOME=$work/pipx PIPX_BIN_DIR=$work/commands/pipx
"$work/build/bin/python" -m uv tool install --quiet --python "$bin/python" --constraints constraints.txt "$wheel"
"$work/build/bin/python" -m pipx install --quiet --python "$bin/python" --pip-args "--constraint $work/constraints.txt" "$wheel"
for command in uv pipx; do
  "$work/commands/$command/normenc" check own.npz > /dev/null
done

echo "wheel and sdist work:" "$root"/build/dist/*
