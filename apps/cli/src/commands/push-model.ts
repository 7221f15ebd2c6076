import type { ChatTemplate, VariantNeeds } from '@openward/contracts';
import { admin, type Act, type Run } from '../cli.ts';
import { parseBytes, parseNumber, parseVersioned, readJson } from '../parse.ts';
import { createProgress } from '../progress.ts';
import { UsageError } from '../usage-error.ts';
import { sizeOf } from '../words.ts';

/** What a model's file cannot say of itself. */
interface ModelConfig {
  readonly template: ChatTemplate;
  readonly needs: VariantNeeds;
  readonly contextLength?: number;
  readonly trainingStatement?: string;
}

export const pushModelFile: Act = async (run, [file = ''], options) => {
  // The file is judged before any address or token is asked for.
  const { inspectModel } = await import('@openward/client');
  await inspectModel(file);
  return push(run, [file], options);
};

const push: Act = admin(async (client, run, [file = ''], options) => {
  const config = await readConfig(run, options);
  const { name, version, variant, base, baseVariant } = options as Readonly<Record<string, string | undefined>>;
  const progress = createProgress(run);
  const pushed = await client
    .pushModel({
      file,
      name: name ?? '',
      version: version ?? '',
      variant,
      base: base === undefined ? undefined : parseVersioned(base, '--base'),
      baseVariant,
      ...config,
      signal: run.signal,
      onProgress: ({ phase, bytes, of }) => progress.show(phase, bytes, of),
    })
    .finally(() => progress.end());
  const { model, artifact } = pushed;
  run.show(
    {
      model,
      variant: pushed.variant,
      manifest: artifact.manifest,
      file: artifact.file,
      uploadedBytes: artifact.uploadedBytes,
      size: artifact.size,
    },
    () =>
      `${model.name} ${model.version}, variant ${pushed.variant}: ${sizeOf(artifact.size)}; ${sizeOf(artifact.uploadedBytes)} uploaded, with its lists of chunks.\n${artifact.file}\n`,
  );
});

async function readConfig(run: Run, options: Readonly<Record<string, unknown>>): Promise<ModelConfig> {
  const path = options['config'] as string;
  const { ChatTemplate, VariantNeeds, wordsOfIssue } = await import('@openward/contracts');
  const { z } = await import('zod');
  const given = await readJson(path, run.terminal);
  const { threads, memory } = options as Readonly<Record<string, string | undefined>>;
  const needs = {
    ...(threads === undefined ? {} : { threads: parseNumber(threads, '--threads') }),
    ...(memory === undefined ? {} : { memoryBytes: parseBytes(memory, '--memory') }),
  };
  const isObject = typeof given === 'object' && given !== null;
  const whole = isObject
    ? { ...given, needs: { ...('needs' in given ? (given.needs as object) : {}), ...needs } }
    : given;
  // Strict: a version is immutable, so a misspelt field must not be left out in silence.
  const Config = z.strictObject({
    template: ChatTemplate,
    needs: VariantNeeds,
    contextLength: z.int().min(16).optional(),
    trainingStatement: z.string().max(4000).optional(),
  });
  const parsed = Config.safeParse(whole);
  if (parsed.success) return parsed.data as ModelConfig;
  const [issue] = parsed.error.issues;
  throw new UsageError(
    `${path}: ${issue?.path.length ? `\`${issue.path.join('.')}\`: ` : ''}${issue === undefined ? 'it has another form' : wordsOfIssue(issue)}.`,
    'docs/cli.md shows such a file.',
  );
}
