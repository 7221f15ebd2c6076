import { errors, type Status } from '@nats-io/nats-core';

export type LinkEvent =
  | { readonly type: 'connected'; readonly server: string }
  | { readonly type: 'disconnected' }
  /** The server ended the connection because the JWT's time was up. */
  | { readonly type: 'expired' }
  /** The server ended the connection because the user's key was revoked. */
  | { readonly type: 'revoked' }
  /** The server did not take the credentials: expired, revoked, or of another network. Tried again all the same. */
  | { readonly type: 'refused'; readonly error: Error }
  /** Anything else: an address that does not answer, a right that is missing. */
  | { readonly type: 'error'; readonly error: Error }
  | { readonly type: 'closed'; readonly error?: Error };

export function eventOfError(error: Error): LinkEvent {
  if (error instanceof errors.UserAuthenticationExpiredError) return { type: 'expired' };
  if (/authentication revoked/i.test(error.message)) return { type: 'revoked' };
  if (error instanceof errors.AuthorizationError) return { type: 'refused', error };
  return { type: 'error', error };
}

export function eventOfStatus(status: Status): LinkEvent | null {
  switch (status.type) {
    case 'reconnect':
      return { type: 'connected', server: status.server };
    case 'disconnect':
      return { type: 'disconnected' };
    case 'error':
      return eventOfError(status.error);
    case 'close':
    case 'forceReconnect':
    case 'ldm':
    case 'ping':
    case 'reconnecting':
    case 'slowConsumer':
    case 'staleConnection':
    case 'update':
      return null;
  }
}
