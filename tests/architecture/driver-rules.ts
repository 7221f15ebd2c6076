import type { Node } from 'oxc-parser';

import type { Offence } from './import-rules.ts';
import { importsOf, lineOf, parse, walk } from './syntax.ts';
import { isForTests, type Source } from './sources.ts';
import { PURE } from './import-rules.ts';

// A driver gets time, timers, randomness and storage as ports, so that a simulation can run the very same code with a
// clock of its own. One call past the ports, and a simulated run is no longer the same twice.
const FORBIDDEN_NAMES = new Set(['Date', 'setTimeout', 'setInterval', 'performance', 'randomUUID']);
const FORBIDDEN_MEMBERS: Readonly<Record<string, readonly string[]>> = {
  AbortSignal: ['timeout'],
  Math: ['random'],
  Promise: ['race'],
  crypto: ['randomUUID', 'getRandomValues', 'randomBytes'],
};
const FORBIDDEN_MODULES = /^(node:)?(fs|fs\/promises|sqlite|timers|timers\/promises|perf_hooks)$/;
const GLOBALS = new Set(['globalThis', 'global', 'window', 'self']);

/** Held to these rules: drivers wherever they are, and everything in a pure library. */
export function isDriven(path: string): boolean {
  if (isForTests(path)) return false;
  return /(^|\/)([^/]+\.)?driver\.ts$/.test(path) || PURE.some((library) => path.startsWith(`libs/${library}/`));
}

const nameOf = (node: Node): string | undefined => {
  if (node.type === 'Identifier') return node.name;
  return node.type === 'Literal' && typeof node.value === 'string' ? node.value : undefined;
};

/** True where an identifier is only the name of a property, which may be called as it likes: `timers.setTimeout`. */
function isPropertyName(node: Node, parent: Node | undefined): boolean {
  if (!parent) return false;
  if (parent.type === 'MemberExpression') {
    return parent.property === node && !parent.computed && !GLOBALS.has(nameOf(parent.object) ?? '');
  }
  const named = ['Property', 'MethodDefinition', 'PropertyDefinition', 'TSPropertySignature', 'TSMethodSignature'];
  if (!named.includes(parent.type)) return false;
  const { key, computed, shorthand } = parent as Node & { key: Node; computed?: boolean; shorthand?: boolean };
  return key === node && computed !== true && shorthand !== true;
}

/** `Math.random`, `Math['random']`, and `const { random } = Math`. */
function forbiddenMember(node: Node): string | undefined {
  if (node.type === 'MemberExpression') {
    const [object, property] = [nameOf(node.object) ?? '', nameOf(node.property) ?? ''];
    const asWritten = node.computed && node.property.type === 'Identifier' ? '' : property;
    if (FORBIDDEN_MEMBERS[object]?.includes(asWritten)) return `${object}.${asWritten}`;
  }
  if (node.type === 'VariableDeclarator' && node.id.type === 'ObjectPattern' && node.init) {
    const object = nameOf(node.init) ?? '';
    for (const property of node.id.properties) {
      const taken = property.type === 'Property' ? nameOf(property.key) : undefined;
      if (taken && FORBIDDEN_MEMBERS[object]?.includes(taken)) return `${object}.${taken}`;
    }
  }
  return undefined;
}

/** Every place where a driver or a pure library goes past its ports. */
export function driverOffences({ path, text }: Source): Offence[] {
  if (!isDriven(path)) return [];
  const offences: Offence[] = importsOf(path, text)
    .filter(({ from }) => FORBIDDEN_MODULES.test(from))
    .map(({ from, line }) => ({ path, line, says: `a driver has ports, and may not import ${from}` }));
  walk(parse(path, text), (node, [parent]) => {
    const bare = node.type === 'Identifier' && FORBIDDEN_NAMES.has(node.name) && !isPropertyName(node, parent);
    const used = bare ? node.name : forbiddenMember(node);
    if (used)
      offences.push({ path, line: lineOf(text, node.start), says: `a driver has ports, and may not use ${used}` });
  });
  return offences;
}
