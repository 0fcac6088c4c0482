#!/bin/sh
# Makes docker/.env with random tokens, readable by you alone; an existing one stays as it is.
set -eu
umask 077
file="$(dirname "$0")/.env"
if [ -e "$file" ]; then
    echo "$file is there already" >&2
    exit 0
fi
token() { od -An -N32 -tx1 /dev/urandom | tr -d ' \n'; }
printf '%s=%s\n' COSTGUARD_API_TOKEN "$(token)" COSTGUARD_METRICS_TOKEN "$(token)" GRAFANA_PASSWORD "$(token)" > "$file"
echo "made $file; call the API with: curl -H \"Authorization: Bearer \$COSTGUARD_API_TOKEN\" http://127.0.0.1:8000/costs"
