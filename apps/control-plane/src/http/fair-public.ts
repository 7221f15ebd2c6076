import { Refusal } from '@openward/contracts';
import { FairTurns, type FairLimits } from '@openward/messaging';
import type { NextFunction, Request, Response } from 'express';

/** What anybody may ask without a token: nodes, and whoever else reaches this port. */
const PUBLIC = /^\/api\/v1\/(?:enrol|renew|time|key-sets)\/?$/;

/**
 * Of one address, at once. A whole network behind one address has its turns in a second or so; of all addresses together no more
 * are at work than leave the database to those who have a token.
 */
export const PUBLIC_LIMITS: FairLimits = { atOnce: 16, ofOneAtOnce: 4, ofOneWaiting: 128 };

/**
 * As a middleware after bodies were read, so that nobody holds a turn with a slow one: addresses take turns, and what is beyond an
 * address's share is refused at once.
 */
export function fairPublic(onBusy: () => void, limits: FairLimits = PUBLIC_LIMITS) {
  const turns = new FairTurns(limits);
  return (request: Request, response: Response, next: NextFunction): void => {
    if (!PUBLIC.test(request.path)) return next();
    const answered = (): Promise<void> =>
      new Promise((resolve) => {
        // Whoever went away while it waited costs nothing more.
        if (response.destroyed) return resolve();
        response.once('finish', resolve).once('close', resolve);
        next();
      });
    if (turns.take(request.socket.remoteAddress ?? '', answered)) return;
    onBusy();
    response.setHeader('retry-after', '1');
    throw new Refusal('busy', 'This address asks more at once than its share.');
  };
}
