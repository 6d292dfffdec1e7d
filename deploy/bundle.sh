#!/bin/sh
# One archive to install the panel on a machine without the internet: the program as committed, its wheels, the lock with
# their hashes, the bill of materials and the install script. For a processor (x86_64, aarch64) and a version of Python.
set -eu
processor=${1:-x86_64}
python=${2:-3.11}
cd "$(dirname "$0")/.."
name=casework-$(git rev-parse --short HEAD)-$processor-py$python
sh deploy/wheels.sh "$processor" "$python"
rm -rf "dist/$name" && mkdir -p "dist/$name"
git archive HEAD | tar -x -C "dist/$name"
mv wheelhouse "dist/$name/"
cp dist/sbom.json "dist/$name/"
(cd "dist/$name" && find . -type f ! -name SHA256SUMS | LC_ALL=C sort | xargs sha256sum > SHA256SUMS)
tar -C dist -czf "dist/$name.tar.gz" "$name"
rm -rf "dist/$name"
(cd dist && sha256sum "$name.tar.gz" | tee "$name.tar.gz.sha256")
