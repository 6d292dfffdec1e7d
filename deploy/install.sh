#!/bin/sh
# Installs the panel from an unpacked bundle, without the internet: compares every file with SHA256SUMS, then installs the
# wheels by the hashes of requirements.lock into .venv. Run it again after unpacking a newer bundle over it.
# PYTHON names the interpreter, for example PYTHON=/opt/python3.11/bin/python3.11.
set -eu
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
sha256sum --quiet -c SHA256SUMS || {
  echo "安装包不完整或被改动：请重新拷贝并解压。" >&2
  exit 1
}
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
  echo "需要 Python 3.11 或更高版本：PYTHON=/路径/python3.11 sh deploy/install.sh" >&2
  exit 1
}
[ -x .venv/bin/python ] || "$python" -m venv .venv
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-index --find-links wheelhouse \
  --require-hashes -r requirements.lock || {
  echo "依赖包与本机的处理器或 Python 版本不符：按 README 重新制作安装包。" >&2
  exit 1
}
touch .venv/.made .venv/.run
.venv/bin/flask --app admin_app --help >/dev/null
echo "安装完成。启动：HOST=0.0.0.0 .venv/bin/python admin_app.py（先 .venv/bin/flask --app admin_app setup）"
