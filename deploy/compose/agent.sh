#!/bin/sh
# Starts an edge agent, with a certificate for its gateway: off loopback it does not start without one. A hospital puts a
# certificate of its own authority there instead.
set -eu
umask 077
home=${OPENWARD_HOME:-/openward} data=${OPENWARD_NODE_DATA:-/var/lib/openward}
if [ ! -e "$data/gateway.crt" ]; then
  node "$home/deploy/compose/gateway-certificate.mjs" "$data" "${SITE_HOST:-localhost}"
fi
if [ ! -e "$data/enrolment.json" ]; then
  echo "This node is not enrolled yet: see deploy/compose/README.md. Waiting."
  while [ ! -e "$data/enrolment.json" ]; do sleep 2; done
fi
# The flag as `openward node run` has it: less memory.
exec node --max-semi-space-size=8 "$home/apps/edge-agent/dist/main.js"
