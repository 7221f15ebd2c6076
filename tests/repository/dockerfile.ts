import { readFileSync } from 'node:fs';

export interface Dockerfile {
  /** Images from elsewhere that it starts from. */
  readonly bases: readonly string[];
  readonly stages: readonly string[];
  /** What it copies from the build context. */
  readonly copied: readonly string[];
  /** The words of every CMD and ENTRYPOINT. */
  readonly commands: readonly string[];
}

/** Reads as much of a Dockerfile as the tests ask about: comments go, continued lines are joined. */
export function readDockerfile(path: string): Dockerfile {
  const text = readFileSync(path, 'utf8')
    .replaceAll(/^\s*#.*\n/gm, '')
    .replaceAll('\\\n', ' ');
  const instructions = text
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean)
    .map((line) => line.split(/\s+/));
  const named = (name: string): string[][] => instructions.filter(([word]) => word?.toUpperCase() === name);
  const stages = named('FROM').map(([, image = '', , stage]) => stage ?? image);
  return {
    bases: named('FROM')
      .map(([, image = '']) => image)
      .filter((image) => !stages.includes(image)),
    stages,
    copied: named('COPY')
      .filter((words) => !words.some((word) => word.startsWith('--from=')))
      .flatMap((words) => words.slice(1, -1).filter((word) => !word.startsWith('--'))),
    commands: [...named('CMD'), ...named('ENTRYPOINT')].flatMap(
      (words) => JSON.parse(words.slice(1).join(' ')) as string[],
    ),
  };
}
