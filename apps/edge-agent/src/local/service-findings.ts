import type { Offer, Standing, StopWhy } from '@openward/activation';
import { CLEARED_BY, type WaitCode } from '@openward/contracts';
import { finding, since, type Finding } from './finding.ts';

/** What of the services here a person should know of. */
export interface ServiceFacts {
  readonly offers: readonly Offer[];
  readonly standings: readonly Standing[];
  /** Of every service that the gateway knows: why it answers nobody; null where it serves. */
  readonly stopped: readonly {
    readonly service: string;
    readonly stopped: StopWhy | null;
    /** Milliseconds since 1970: when it stopped, or when the agent started where it was stopped before. */
    readonly since?: number;
  }[];
}

export const serviceFindings = ({ offers, standings, stopped }: ServiceFacts): Finding[] => [
  ...offers.map(offerFinding),
  ...standings.flatMap((standing) => standingFindings(standing, offers)),
  ...stopped.flatMap(({ service, stopped: why, since: at }) => {
    const standing = standings.find((one) => one.service === service);
    if (why === null || standing === undefined) return [];
    const found = closedFinding(standing, why, offers);
    return [at === undefined ? found : since(at, found)];
  }),
];

/** What an offer waits for, as hospital IT would say it. */
const WAIT_WORDS: Readonly<Record<WaitCode, string>> = {
  consentToPrepare: 'nobody here has said whether it may be fetched and evaluated',
  consentToActivate: 'nobody here has said whether it may serve',
  suiteNotAccepted: 'nobody here has accepted its suite, which would read your records',
  gateInconclusive: 'its gate is inconclusive, and nobody here has said whether it may serve all the same',
  resultHeld: 'its result stays here until somebody here lets it leave',
  deferred: 'it was put off here',
  pinned: 'the service is pinned here',
  halted: 'the service is halted here',
  space: 'the disk has no room for it',
  tooFewItems: 'your records are too few for its suite',
  window: 'its hours have not come',
  wave: 'its wave has not begun',
  permit: 'it asks the network for a permit',
  permitRefused: 'the network gives no permit now',
  otherTransition: 'another service is being switched here',
  network: 'the control plane is not reached',
  chunksMissing: 'the network lacks a part of it, and fills it in',
};

function offerFinding({ service, number, waitsFor, waitsSince, question, step }: Offer): Finding {
  const what = `${service} release ${number}`;
  if (waitsFor === null) return finding('ok', what, step, '');
  const next = question === null ? nextForWait(service, waitsFor) : nextForQuestion(service, question);
  const found = finding('warning', what, WAIT_WORDS[waitsFor], next, CLEARED_BY[waitsFor]);
  return waitsSince === null ? found : since(waitsSince, found);
}

function nextForQuestion(service: string, question: NonNullable<Offer['question']>): string {
  switch (question) {
    case 'prepare':
    case 'activate':
    case 'release':
      return `openward node accept ${service}, or defer, or reject`;
    case 'acceptSuite':
      return 'openward node suites list, then suites accept DIGEST';
    case 'waive':
      return `openward node accept ${service} --inconclusive --reason TEXT, or reject`;
  }
}

/** Where no answer is asked for: what ends the wait, if anything here does. */
function nextForWait(service: string, wait: WaitCode): string {
  switch (wait) {
    case 'pinned':
      return `openward node unpin ${service}`;
    case 'halted':
      return `openward node resume ${service}`;
    case 'space':
      return 'make room on the disk of the data folder';
    case 'network':
      return 'check the line to the control plane';
    case 'tooFewItems':
      return 'openward node data add, with more records';
    case 'permitRefused':
      return 'ask a network admin what holds the rollout';
    case 'chunksMissing':
      return 'nothing: the network fills in what it lacks';
    case 'wave':
    case 'window':
    case 'permit':
    case 'otherTransition':
    case 'consentToPrepare':
    case 'consentToActivate':
    case 'suiteNotAccepted':
    case 'deferred':
    case 'gateInconclusive':
    case 'resultHeld':
      return '';
  }
}

const ANCHOR = 'the anchor, the first that this site ever committed';

/** A service that serves, on another release than people may think. It goes on being told until it is no longer so. */
export function standingFindings(standing: Standing, offers: readonly Offer[]): Finding[] {
  const { service, number, pinned, isOnAnchor, behind } = standing;
  if (number === null) return [];
  const stands = `stands on release ${number}${isOnAnchor ? `, ${ANCHOR}` : ''}`;
  if (behind?.isBySite === true && (behind.isOver || offers.every((offer) => offer.service !== service)))
    return [
      finding(
        'warning',
        service,
        `${stands}, by this site’s own hand${pinned ? ', and is pinned' : ''}; release ${behind.number} is the newest for it`,
        [
          ...(pinned ? [`openward node unpin ${service}`] : []),
          ...(behind.isOver
            ? [
                `${pinned ? 'then ask' : 'ask'} a network admin to offer release ${behind.number} here again (openward rollouts retry; a rollout that was aborted or rolled back is planned anew, openward rollouts plan), or to roll out a newer one`,
              ]
            : []),
        ].join('; '),
        pinned ? 'site' : 'networkAdmin',
      ),
    ];
  if (pinned)
    return [
      finding(
        'warning',
        service,
        `${stands}, and is pinned there by this site`,
        `openward node unpin ${service}, for whatever the network wants`,
        'site',
      ),
    ];
  if (!isOnAnchor || behind !== null) return [];
  return [finding('warning', service, stands, 'ask a network admin to roll out a newer one', 'networkAdmin')];
}

const FALLBACK = 'callers get its fallback text';

/** A clinic is without it: never less than an error, but before its first release and while one is being loaded. */
export function closedFinding(standing: Standing, why: StopWhy, offers: readonly Offer[]): Finding {
  const { service, hasServed } = standing;
  switch (why) {
    case 'halted':
      return finding(
        'problem',
        service,
        `closed: this site halted it; ${FALLBACK}`,
        `openward node resume ${service}`,
        'site',
      );
    case 'loading':
      return finding('warning', service, `closed until its release is loaded; ${FALLBACK}`, '', 'time');
    case 'goingBack':
      return finding(
        'problem',
        service,
        `closed until what it goes back to is loaded; ${FALLBACK}`,
        'where it stays so, look at the model runtime and its log',
        'node',
      );
    case 'recalled':
    case 'noRelease':
      return hasServed ? nothingLeft(standing, offers) : notYet(service);
  }
}

const notYet = (service: string): Finding =>
  finding('warning', service, 'serves nothing yet: no release has been committed here', 'see `openward node offers`');

function nothingLeft({ service, recalled, wayBack }: Standing, offers: readonly Offer[]): Finding {
  const offer = offers.find((one) => one.service === service);
  const cause =
    recalled === null
      ? 'its release failed here, and nothing was left to go back to'
      : `release ${recalled} was recalled, and nothing that a plan named is left to go back to`;
  const ways = [
    ...(wayBack === null
      ? []
      : [
          `openward node rollback ${service} --release ${wayBack.to.number} serves release ${wayBack.to.number}${wayBack.isAnchor ? `, ${ANCHOR}` : ''}`,
        ]),
    ...(offer === undefined ? [] : [`release ${offer.number} waits here (openward node offers show ${service})`]),
    'a network admin can roll out another release',
  ];
  const isSite = wayBack !== null || (offer !== undefined && offer.question !== null);
  return finding(
    'problem',
    service,
    `closed: ${cause}; ${FALLBACK}`,
    ways.join('; or '),
    isSite ? 'site' : 'networkAdmin',
  );
}

/** For `status`: what a step back would go to, before anybody takes it, and what the doctor says of where the service stands. */
export const standingViews = ({ offers, standings, stopped }: ServiceFacts) =>
  standings.map((standing) => {
    const { service, wayBack } = standing;
    const why = stopped.find((one) => one.service === service)?.stopped ?? null;
    return {
      service,
      wayBack: wayBack === null ? null : { number: wayBack.to.number, isAnchor: wayBack.isAnchor },
      findings: [
        ...standingFindings(standing, offers),
        ...(why === null ? [] : [closedFinding(standing, why, offers)]),
      ].map(({ why: said, next }) => ({ why: said, next })),
    };
  });
