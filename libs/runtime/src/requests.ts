import type { GenerateRequest, LoadRequest, ModelFile } from './port.ts';
import { RuntimeRefusal } from './refusal.ts';

const KEY = /^[a-z0-9-]{1,64}$/;
const DIGEST = /^sha256:[0-9a-f]{64}$/;

/** Both adapters refuse the same requests, before a runtime sees them. */
export function assertLoadable(request: LoadRequest): void {
  if (!KEY.test(request.key)) refuse(`the key must be 1 to 64 of a-z, 0-9 and -`);
  for (const file of request.adapter === undefined ? [request.base] : [request.base, request.adapter])
    assertModelFile(file);
  assertCount('contextLength', request.contextLength, 16, 1 << 24);
  assertCount('threads', request.threads, 1, 1024);
  assertCount('parallel', request.parallel, 1, 256);
}

export function assertModelFile(file: ModelFile): void {
  if (!DIGEST.test(file.digest)) refuse('a digest must be sha256: and 64 hex digits');
  if (!file.path.startsWith('/') && !/^[A-Za-z]:[\\/]/.test(file.path)) refuse('a model file needs an absolute path');
}

export function assertGeneratable(request: GenerateRequest): void {
  assertCount('maxTokens', request.maxTokens, 1, 1 << 24);
  if (!(request.temperature >= 0 && request.temperature <= 10)) refuse('temperature must be from 0 to 10');
  if (request.topP !== undefined && !(request.topP > 0 && request.topP <= 1)) refuse('topP must be above 0, at most 1');
  if (request.seed !== undefined) assertCount('seed', request.seed, 0, 0x7fff_ffff);
  if (request.stop.some((text) => text === '')) refuse('a stop string must not be empty');
  if (request.prompt === '') refuse('the prompt is empty');
}

export const isSameSet = (a: LoadRequest, b: LoadRequest): boolean =>
  a.base.digest === b.base.digest &&
  a.adapter?.digest === b.adapter?.digest &&
  a.contextLength === b.contextLength &&
  a.threads === b.threads &&
  a.parallel === b.parallel;

export const heldUnderAnotherSet = (key: string): RuntimeRefusal =>
  new RuntimeRefusal('invalidRequest', `Another set is loaded as ${key}; unload it first or choose another key.`);

export const notLoaded = (key: string): RuntimeRefusal =>
  new RuntimeRefusal('modelNotLoaded', `No model is loaded as ${key}; load it first.`);

export const closed = (): RuntimeRefusal =>
  new RuntimeRefusal('closed', 'This runtime was closed by the agent, which is stopping; nothing more is served.');

function assertCount(name: string, value: number, least: number, most: number): void {
  if (!Number.isInteger(value) || value < least || value > most) {
    refuse(`${name} must be a whole number from ${least} to ${most}`);
  }
}

function refuse(why: string): never {
  throw new RuntimeRefusal('invalidRequest', `The runtime was asked for what it cannot do: ${why}.`);
}
