import { isIP } from 'node:net';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';

const hostOf = (url: string): string => {
  const { hostname } = new URL(url.includes('://') ? url : `nats://${url}`);
  return hostname.replace(/^\[(.*)\]$/, '$1');
};

/**
 * For an address without a name the client tells TLS no name at all, and Node then checks the certificate for "localhost".
 * This checks it for the addresses that were given instead; names are checked as ever. The chain is checked before either.
 */
export function identityCheck(urls: readonly string[]): (host: string, cert: PeerCertificate) => Error | undefined {
  const hosts = urls.map(hostOf);
  const addresses = hosts.filter((host) => isIP(host) !== 0);
  return (host, cert) => {
    if (host !== 'localhost' || addresses.length === 0) return checkServerIdentity(host, cert);
    const candidates = hosts.includes('localhost') ? [...addresses, host] : addresses;
    const refusals = candidates.map((candidate) => checkServerIdentity(candidate, cert));
    return refusals.includes(undefined) ? undefined : refusals[0];
  };
}
