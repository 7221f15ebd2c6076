import { note } from './print.ts';
import { ask } from './traffic.ts';
import type { World } from './world.ts';

export const ABOUT_BLOOD_SUGAR = 'Has had diabetes and growing drowsy, age 68, since noon.';
export const ABOUT_A_BITE = 'Aged 37, comes in with a viper bite on the hand since noon.';

/** The same question to every hospital, and who answered. */
export async function questions(world: World, question: string, when: string): Promise<Map<string, string>> {
  note(`${when}: "${question}"`);
  const answers = new Map<string, string>();
  for (const site of world.sites) {
    const { status, text, release } = await ask(site, question);
    const said = text.replaceAll(/\s+/g, ' ');
    answers.set(site.name, status === 200 ? `${said} ${release}` : `${status}`);
    note(`${site.name.padEnd(9)} ${status === 200 ? `${said} (release ${release})` : `${status} ${said}`}`);
  }
  return answers;
}

export const served = (answers: ReadonlyMap<string, string>, expected: string): boolean =>
  [...answers.values()].every((answer) => answer === expected);
export const shown = (answers: ReadonlyMap<string, string>): string =>
  [...answers].map(([site, answer]) => `${site} ${answer}`).join(', ');
