// Loaded before the agent by `node --import`: writes down every byte that the process gives to a TLS socket, before it is
// encrypted, and every byte that it gives to a plain one. A connection is a file of its name and a file of its bytes, in the
// folder OPENWARD_TEST_EGRESS; what was written is there even after `kill -9`.
import { appendFileSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import net from 'node:net';
import { join } from 'node:path';
import tls from 'node:tls';

const folder = process.env.OPENWARD_TEST_EGRESS;
let connections = 0;

const asBytes = (chunk, encoding) => (typeof chunk === 'string' ? Buffer.from(chunk, encoding) : Buffer.from(chunk));

function record(socket, kind) {
  connections += 1;
  const name = join(folder, `${process.pid}-${String(connections).padStart(4, '0')}`);
  writeFileSync(`${name}.bytes`, '');
  writeFileSync(`${name}.kind`, kind);
  for (const method of ['write', 'end']) {
    const original = socket[method];
    socket[method] = function (chunk, encoding, ...rest) {
      if (chunk !== undefined && chunk !== null && typeof chunk !== 'function')
        appendFileSync(`${name}.bytes`, asBytes(chunk, typeof encoding === 'string' ? encoding : 'utf8'));
      return original.call(this, chunk, encoding, ...rest);
    };
  }
  return socket;
}

const tlsConnect = tls.connect;
tls.connect = (...args) => record(tlsConnect.apply(tls, args), 'tls');
for (const method of ['connect', 'createConnection']) {
  const original = net[method];
  net[method] = (...args) => record(original.apply(net, args), 'plain');
}
syncBuiltinESMExports();
