import { expect, it } from 'vitest';
import { CreateService, type Service } from './index.ts';

const number = { name: 'emergencyNumber', description: 'The local emergency number.', default: '112', setBySite: true };
const triage: Service = {
  name: 'triage',
  purpose: 'Sorts',
  users: 'nurses',
  languages: ['en'],
  riskClass: 'high',
  fallbackText: 'Use the paper form. In an emergency call {{emergencyNumber}}.',
  variables: [number],
};
const faultsOf = (given: Partial<Service>): string[] => {
  const parsed = CreateService.safeParse({ ...triage, ...given });
  return parsed.success ? [] : parsed.error.issues.map(({ path, message }) => `${path.join('.')} ${message}`);
};

it.each<[string, Partial<Service>]>([
  ['names a variable that is declared', {}],
  ['names none, as every text before there were variables', { fallbackText: 'Call 112.', variables: undefined }],
  ['names one that sites may not set', { variables: [{ ...number, setBySite: false }] }],
])('a service is taken whose fallback text %s', (_, given) => {
  const { variables, ...rest } = { ...triage, ...given };
  expect(CreateService.safeParse(variables === undefined ? rest : { ...rest, variables }).success).toBe(true);
});

it.each<[string, Partial<Service>, RegExp]>([
  ['names a variable that is not declared', { variables: [] }, /^fallbackText names \{\{emergencyNumber\}\}/],
  ['opens braces that name nothing', { fallbackText: 'Call {{emergencyNumber}} or {{ 112 }}.' }, /names no variable/],
  ['is longer than allowed when it is filled in', { fallbackText: '{{emergencyNumber}}'.repeat(9) }, /4500 characters/],
  ['has a value that names a variable', { variables: [{ ...number, default: '{{x}}' }] }, /^variables.0.default/],
  ['has a value that shows nothing', { variables: [{ ...number, default: ' ' }] }, /^variables.0.default is empty/],
  ['has a variable that it does not name', { variables: [number, { ...number, name: 'ward' }] }, /^variables.1.name/],
  ['has a variable twice', { variables: [number, number] }, /^variables.1.name is declared twice/],
])('a service is refused whose fallback text %s', (_, given, why) => {
  expect(faultsOf(given)).toEqual([expect.stringMatching(why)]);
});
