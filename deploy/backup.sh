#!/bin/sh
# One backup now, while the panel runs, into the folder that is given or BACKUP_FOLDER: verified, copied to BACKUP_SECOND,
# and old ones deleted as the settings say. The running panel makes one each day by itself.
# INSTANCE_PATH and DATABASE_URL as for the server. The keys of the installation are kept elsewhere, once.
set -eu
umask 077
if [ $# -gt 0 ]; then
  BACKUP_FOLDER=$1
  export BACKUP_FOLDER
fi
cd "$(dirname "$0")/.."
exec .venv/bin/flask --app admin_app backups make
