import { Body, Controller, Delete, Get, HttpCode, Param, Post } from '@nestjs/common';
import {
  expiryOf,
  MOST_VARIABLE_VALUE,
  Name,
  type PolicyRef,
  type PolicyVariable,
  type PromptPolicy,
} from '@openward/contracts';
import type { PolicyShadow } from '@openward/persistence/node';
import { ordinaryMatches, variableValues } from '@openward/policy';
import { z } from 'zod';
import { Agent } from '../agent.ts';
import { notToldBy, ownValues } from './own-values.ts';
import { readOffer } from './read-offer.ts';

/** What a value may be is judged where it is kept, and the refusal says what to do. */
const VariableValue = z.string().max(MOST_VARIABLE_VALUE);
const SettingsChange = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('setVariable'), name: z.string().max(32), value: VariableValue.nullable() }),
  z.strictObject({ kind: z.literal('setRecordNumber'), pattern: z.string().min(1).max(200).nullable() }),
  z.strictObject({ kind: z.literal('setOnExpiry'), choice: z.enum(['goOn', 'fallback']) }),
]);
const ShadowStart = z.strictObject({
  service: Name,
  until: z.int(),
  by: z.string().trim().min(1).max(200),
  release: z.int().min(1).optional(),
});

/** Of both a site's own value is one; the service's is a row of its own where its default is another. */
const variablesOf = (policy: PromptPolicy, ofService: readonly PolicyVariable[]): readonly PolicyVariable[] => [
  ...policy.variables,
  ...ofService.filter((one) => !policy.variables.some((it) => it.name === one.name && it.default === one.default)),
];

/** What people of the site read and decide of policies, over the same socket, with no network (N5). */
@Controller()
export class PolicyController {
  constructor(private readonly agent: Agent) {}

  /** Fetches the release's document where it is not here yet, and nothing else (N2). */
  @Get('offers/:service')
  offer(@Param('service') service: string) {
    return readOffer(this.agent.offerReading, service);
  }

  @Get('policy')
  async settings() {
    const { policies } = this.agent;
    const { settings } = policies;
    const { recordNumber, variables } = settings.terms();
    const { policies: held, unread } = await policies.held();
    const now = Date.now();
    const here = ownValues({ terms: settings.terms(), held, offered: (await policies.offered()).policies });
    return {
      ownValues: here,
      recordNumber,
      onExpiry: settings.onExpiry(),
      variables,
      policies: held.map(({ service, number, serves, policy, ofService = [] }) => ({
        service,
        number,
        serves,
        policy: refOf(policy),
        expires: policy.expires,
        expiry: expiryOf(policy, now),
        needsRecordNumber: policy.rules.some(
          ({ match }) => match.kind === 'identifier' && match.identifier === 'recordNumber',
        ),
        variables: variablesOf(policy, ofService).map(({ name, description, default: standard, setBySite }) => ({
          name,
          description,
          default: standard,
          setBySite,
          value: valueOf({ name, description, default: standard, setBySite }, variables),
        })),
      })),
      unread,
      refusals: policies.openRefusals(),
      troubles: policies.troubles(),
    };
  }

  @Post('policy')
  @HttpCode(200)
  async change(@Body({ schema: SettingsChange }) change: z.infer<typeof SettingsChange>) {
    const { policies } = this.agent;
    const unread = await policies.settings.change(change);
    const pattern = change.kind === 'setRecordNumber' ? change.pattern : null;
    const name = change.kind === 'setVariable' && change.value !== null ? change.name : null;
    return {
      done: true,
      unread,
      alsoTakes: pattern === null ? null : ordinaryMatches(pattern),
      notToldBy: name === null ? [] : notToldBy(name, (await policies.held()).policies),
      refusedOffers: change.kind === 'setOnExpiry' ? [] : await policies.refusedOffers(),
    };
  }

  @Get('policy/hits/:service')
  hits(@Param('service') service: string) {
    return { items: this.agent.policies.hitsOf(service) };
  }

  @Get('policy/shadows')
  shadows() {
    return { items: this.agent.policies.shadows.list().map(shadowView) };
  }

  @Post('policy/shadows')
  async startShadow(@Body({ schema: ShadowStart }) start: z.infer<typeof ShadowStart>) {
    return shadowView(await this.agent.policies.shadows.start(start));
  }

  @Delete('policy/shadows/:service')
  stopShadow(@Param('service') service: string) {
    this.agent.policies.shadows.stop(service);
    return { done: true };
  }
}

const valueOf = (variable: PolicyVariable, own: Readonly<Record<string, string>>): string =>
  variableValues({ variables: [variable] }, own)[variable.name] ?? variable.default;
const refOf = ({ id, revision }: PolicyRef): PolicyRef => ({ id, revision });
const shadowView = ({ policy, ...shadow }: PolicyShadow) => ({ ...shadow, policy: refOf(policy) });
