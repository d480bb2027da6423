#!/usr/bin/env bash
# Starts a pipeline as an application that embeds prunner does: a token for 60 seconds, minted from the shared secret.
# Usage: SECRET=… [URL=http://127.0.0.1:9009] [USER_LABEL=me] client.sh PIPELINE ['{"name": "value"}']
set -euo pipefail
URL=${URL:-http://127.0.0.1:9009}

base64url() { openssl base64 -A | tr '+/' '-_' | tr -d '='; }
header=$(printf '{"alg":"HS256","typ":"JWT"}' | base64url)
claims=$(printf '{"sub":"%s","exp":%d}' "${USER_LABEL:-example}" $(($(date +%s) + 60)) | base64url)
signature=$(printf '%s.%s' "$header" "$claims" | openssl dgst -sha256 -hmac "$SECRET" -binary | base64url)

curl --silent --show-error --fail-with-body "$URL/pipelines/schedule" \
  --header "Authorization: Bearer $header.$claims.$signature" --header 'Content-Type: application/json' \
  --data "{\"pipeline\": \"$1\", \"variables\": ${2:-{\}}}"
echo
