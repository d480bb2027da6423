#!/bin/sh
# Becomes a runner at the first start, with the token that enrol.sh left, and is one ever after.
set -eu
# The image made it for a server, which is not root.
chown root:root "$RUNYARD_DATA_DIR"
chmod 0711 "$RUNYARD_DATA_DIR"
if [ ! -e "$RUNYARD_DATA_DIR/runner-identity" ]; then
  runyard runner enrol --token-file /join/token
  rm -f /join/token
fi
exec runyard runner
