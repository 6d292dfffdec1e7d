#!/bin/sh
# Collects the wheels of the panel into wheelhouse/ for a machine without the internet: its processor (x86_64, aarch64 or
# windows) and the version of its Python. Runs on any machine with pip. Each wheel is compared with requirements.lock.
# The wheels run with glibc 2.28 and later: Kylin V10, UOS 20, Debian 10 and their successors.
set -eu
processor=${1:-x86_64}
python=${2:-3.11}
cd "$(dirname "$0")/.."
if [ "$processor" = windows ]; then
  platforms="--platform win_amd64"
else
  platforms="--platform manylinux2014_$processor"
  for version in 17 24 26 27 28; do platforms="$platforms --platform manylinux_2_${version}_$processor"; done
fi
pip=${PIP:-$(command -v pip3 || command -v pip)}
# pip reads the conditions of a lock (Python, system) for the machine that it runs on; the lock names all packages, so that
# none needs to be looked for.
rm -rf wheelhouse
# shellcheck disable=SC2086 # several words on purpose
"$pip" download --quiet --disable-pip-version-check --only-binary=:all: --python-version "$python" $platforms \
  --no-deps --require-hashes -r requirements.lock -d wheelhouse
ls wheelhouse | wc -l
