import { MAX_POLICY_BYTES, type PromptPolicy } from '@openward/contracts';
import { type Document, LineCounter, parseDocument, stringify, visit } from 'yaml';
import { Findings } from './findings.ts';
import type { PolicyFinding } from './model.ts';

// A policy as a folder that people write and review. What stands in each file is a part of the policy as it is: nothing has a
// default, and nothing is left out, so a file that is missing or misspelt refuses the folder instead of weakening the policy.

/** `policy.yaml` has the rest of the policy's fields; `system.txt` the system prompt and the end of its last line. */
export const POLICY_FILES = ['policy.yaml', 'system.txt', 'rules.yaml', 'texts.yaml', 'tests.yaml'] as const;
export type PolicyFile = (typeof POLICY_FILES)[number];

/** In which file a field of the policy stands. */
const ELSEWHERE = {
  systemPrompt: 'system.txt',
  rules: 'rules.yaml',
  texts: 'texts.yaml',
  tests: 'tests.yaml',
} as const satisfies Partial<Record<keyof PromptPolicy, PolicyFile>>;
type Elsewhere = keyof typeof ELSEWHERE;
const PARTS = ['rules', 'texts', 'tests'] as const;

/** YAML has comments and indentation beside what counts. Its parser ends by itself, in seconds, whatever so long a file has. */
const MOST_FILE = 2 * MAX_POLICY_BYTES;

export type PolicyFolder =
  /** Not judged yet: `checkPolicy` is for that. */
  | { readonly kind: 'ok'; readonly document: Readonly<Record<string, unknown>> }
  | { readonly kind: 'refused'; readonly findings: readonly PolicyFinding[] };

/** A policy from the texts of a folder's files, by name. Never throws. */
export function readPolicyFolder(files: Readonly<Record<string, string>>): PolicyFolder {
  const findings = new Findings();
  for (const name of Object.keys(files)) {
    if (!POLICY_FILES.some((it) => it === name)) {
      findings.add('shape', name, `A policy has no such file. It has ${POLICY_FILES.join(', ')}.`);
    }
  }
  for (const name of POLICY_FILES) {
    const text = Object.hasOwn(files, name) ? files[name] : undefined;
    if (text === undefined)
      findings.add('shape', name, 'The file is missing. Nothing in a policy goes without saying.');
    else if (text.length > MOST_FILE) findings.add('tooLarge', name, `It is larger than ${MOST_FILE / 1024} KiB.`);
  }
  if (!findings.isEmpty) return { kind: 'refused', findings: findings.list() };

  const manifest = readYaml('policy.yaml', files['policy.yaml'] ?? '', findings);
  const parts = PARTS.map((field) => [field, readYaml(ELSEWHERE[field], files[ELSEWHERE[field]] ?? '', findings)]);
  if (findings.isEmpty && !isObject(manifest))
    findings.add('shape', 'policy.yaml', 'It is a list of names and values.');
  for (const [field, file] of Object.entries(ELSEWHERE)) {
    if (isObject(manifest) && Object.hasOwn(manifest, field))
      findings.add('shape', `policy.yaml: ${field}`, `This stands in ${file} alone.`);
  }
  if (!findings.isEmpty || !isObject(manifest)) return { kind: 'refused', findings: findings.list() };
  const systemPrompt = (files['system.txt'] ?? '').replace(/\n$/, '');
  return { kind: 'ok', document: { ...manifest, systemPrompt, ...Object.fromEntries(parts) } };
}

/** The files of a policy; read again, they are the same policy. */
export function writePolicyFolder(policy: PromptPolicy): Record<PolicyFile, string> {
  const { systemPrompt, rules, texts, tests, ...manifest } = policy satisfies Record<Elsewhere, unknown>;
  return {
    'policy.yaml': yamlOf(manifest),
    'system.txt': `${systemPrompt}\n`,
    'rules.yaml': yamlOf(rules),
    'texts.yaml': yamlOf(texts),
    'tests.yaml': yamlOf(tests),
  };
}

const yamlOf = (value: unknown): string => stringify(value, { aliasDuplicateObjects: false, lineWidth: 120 });

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function readYaml(name: PolicyFile, text: string, findings: Findings): unknown {
  try {
    const lines = new LineCounter();
    const document = parseDocument(text, {
      schema: 'core',
      strict: true,
      uniqueKeys: true,
      prettyErrors: true,
      lineCounter: lines,
    });
    // A warning is a tag or a directive that is not understood: what it meant is not known.
    const [wrong] = [...document.errors, ...document.warnings];
    const steered = wrong === undefined ? steering(document) : null;
    if (wrong !== undefined)
      findings.add('shape', placeOf(name, wrong.linePos?.[0].line), sentence(wrong.message.split('\n')[0] ?? ''));
    else if (steered !== null) findings.add('shape', placeOf(name, lines.linePos(steered.at).line), steered.what);
    else return document.toJS({ maxAliasCount: 0 }) as unknown;
  } catch (error) {
    const isAlias = error instanceof ReferenceError;
    findings.add('shape', name, isAlias ? 'It has an alias (*name): write out what it stands for.' : 'It is not YAML.');
  }
  return null;
}

/** What `!!` stands for where nothing is declared. */
const CORE_TAGS = 'tag:yaml.org,2002:';

/**
 * What makes YAML read a value as something else than it looks: a directive, or a tag, the known ones too (`!!str 1`). A reviewer
 * reads what stands there.
 */
function steering({ directives, contents }: Document.Parsed): { readonly at: number; readonly what: string } | null {
  const { '!!': core, ...others } = directives.tags;
  const declared = directives.yaml.explicit === true || core !== CORE_TAGS || Object.keys(others).length > 0;
  if (declared) return { at: 0, what: 'It has a directive (%YAML, %TAG): leave it out.' };
  let found: { readonly at: number; readonly what: string } | null = null;
  visit(contents, {
    Node: (_key, node) => {
      if (!('tag' in node) || node.tag === undefined) return undefined;
      found = {
        at: node.range?.[0] ?? 0,
        what: 'It has a tag (!name): write the value as it is, in quotes for a text.',
      };
      return visit.BREAK;
    },
  });
  return found;
}

const placeOf = (name: string, line: number | undefined): string =>
  line === undefined ? name : `${name} line ${line}`;
const sentence = (text: string): string => `${text.replace(/ at line \d+, column \d+:?$/, '').replace(/[.:]?$/, '')}.`;
