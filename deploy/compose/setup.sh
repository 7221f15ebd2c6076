#!/bin/sh
# Makes a new network's keys and certificates, and what its NATS server reads. Runs each time; a network that is there is
# left as it is. The three folders are volumes: the control plane sees the first, NATS the second, nobody the third.
set -eu
umask 077
network=${NETWORK_DIR:-/network} nats=${NATS_DIR:-/nats} offline=${OFFLINE_DIR:-/offline}
control_plane="node ${OPENWARD_HOME:-/openward}/apps/control-plane/dist/main.js"

if [ ! -e "$network/complete" ]; then
  $control_plane init --dir "$network" --url https://control-plane:8443 --nats nats://nats:4222 \
    --host control-plane --host nats --host localhost --host 127.0.0.1 >/dev/null
  # The operator's root key signs new accounts, the authority's new certificates. They are needed again only then, and no
  # running process may have them.
  mv "$network/offline" "$offline/operator"
  mv "$network/tls/ca.key" "$offline/"
  touch "$network/complete"
fi

mkdir -p "$nats/tls"
cp "$network/tls/server.crt" "$network/tls/server.key" "$nats/tls/"
# Its file names the certificate by the network's folder, which is where NATS has its own volume.
$control_plane nats-config --dir "$network" --store /data --version "$NATS_VERSION" >"$nats/nats.conf.new"
mv "$nats/nats.conf.new" "$nats/nats.conf"
echo "The network's keys are in place. The first administrator's token: cat $network/bootstrap-token"
