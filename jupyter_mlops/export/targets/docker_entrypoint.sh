#!/bin/sh
@HEADER@
#
# Compose mounts secrets as files; steps and the database driver read environment variables.

set -eu

for file in /run/secrets/*; do
  if [ ! -r "$file" ]; then continue; fi
  value=$(cat "$file")
  case "${file##*/}" in
    postgres_password) export PGPASSWORD="$value" ;;
    *[!A-Za-z0-9_]*) ;;
    *) export "${file##*/}=$value" ;;
  esac
done

exec "$@"
