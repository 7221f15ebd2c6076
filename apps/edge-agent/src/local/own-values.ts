import { isUsableValue } from '@openward/contracts';
import type { SiteTerms } from '@openward/policy';
import type { HeldHere } from '../node/held-policies.ts';
import type { HeldPolicy } from '../node/site-terms.ts';
import { finding, type Finding } from './finding.ts';

interface ReleaseHere {
  readonly service: string;
  readonly number: number;
}

/** One value that the site has set, and where callers will and will not read it. */
export interface OwnValue {
  readonly name: string;
  readonly value: string;
  /** False where an older agent took what cannot be told: then each policy's default holds. */
  readonly isUsable: boolean;
  readonly usedBy: readonly ReleaseHere[];
  /** Of releases that wait here. */
  readonly offeredTo: readonly ReleaseHere[];
  readonly notToldBy: readonly NotTold[];
}

/** A service that, without its release, tells callers a text in which the site's own value does not stand. */
export interface NotTold {
  readonly service: string;
  readonly fallbackText: string;
}

export interface OwnValuesHere {
  readonly terms: SiteTerms;
  readonly held: readonly HeldHere[];
  readonly offered: readonly HeldPolicy[];
}

export const ownValues = ({ terms, held, offered }: OwnValuesHere): OwnValue[] =>
  Object.entries(terms.variables).map(([name, value]) => ({
    name,
    value,
    isUsable: isUsableValue(value),
    usedBy: usersOf(name, held),
    offeredTo: usersOf(name, offered),
    notToldBy: notToldBy(name, held),
  }));

const usersOf = (name: string, all: readonly HeldPolicy[]): ReleaseHere[] =>
  all
    .filter(({ policy, ofService = [] }) => [...policy.variables, ...ofService].some((it) => isSet(it, name)))
    .map(({ service, number }) => ({ service, number }));

const isSet = (one: { readonly name: string; readonly setBySite: boolean }, name: string): boolean =>
  one.setBySite && one.name === name;

/** Of what serves; where nothing of a service does, of the newest that is held, since its text is what callers are told. */
export function notToldBy(name: string, held: readonly HeldHere[]): NotTold[] {
  const told = new Map<string, HeldHere>();
  for (const one of held) {
    const other = told.get(one.service);
    if (other === undefined || one.serves || (!other.serves && one.number > other.number)) told.set(one.service, one);
  }
  return [...told.values()].flatMap(({ service, fallbackText, ofService = [] }) =>
    fallbackText === undefined || ofService.some((it) => isSet(it, name)) ? [] : [{ service, fallbackText }],
  );
}

/** What of the site's own values a person here should know without having asked for them. */
export const ownValueFindings = (here: OwnValuesHere): Finding[] =>
  ownValues(here).flatMap(({ name, value, isUsable, notToldBy: services }) =>
    isUsable
      ? services
          .filter(({ fallbackText }) => tellsAnother(name, value, fallbackText, here.held))
          .map((one) => notToldFinding(name, one))
      : [
          finding(
            'problem',
            `this site’s own ${name}`,
            `what is stored for it is empty, or breaks its line (${JSON.stringify(value)}), and each policy’s default holds`,
            `openward node policy set ${name} VALUE, or --default`,
            'site',
          ),
        ],
  );

/** Where the text has the default of a policy in it, as it is written: then callers are told that, and not what the site has set. */
const tellsAnother = (name: string, value: string, text: string, held: readonly HeldPolicy[]): boolean =>
  held.some(({ policy, ofService = [] }) =>
    [...policy.variables, ...ofService].some(
      (it) => isSet(it, name) && it.default.trim() !== '' && it.default !== value && text.includes(it.default),
    ),
  );

const notToldFinding = (name: string, { service, fallbackText }: NotTold): Finding =>
  finding(
    'warning',
    service,
    `halted, recalled or expired it tells the text of the network, and not this site’s own ${name}: “${fallbackText}”`,
    'tell the network admin: a new version of the service can name the variable in its fallback text',
    'networkAdmin',
  );
