#!/bin/sh
@HEADER@
#
# Publishes the version in the database of the worker, with its policies and schedules; once.

set -eu

published=$JUPYTER_MLOPS_HOME/published-@MARKER@
if [ -e "$published" ]; then exit 0; fi

jupyter mlops unbundle /opt/version/@BUNDLE@
@PUBLISH@
touch "$published"
