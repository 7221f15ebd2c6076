import { Refusal, type Name, type Version } from '@openward/contracts';
import type { Repositories } from '@openward/persistence';

interface Named {
  readonly name: Name;
  readonly version: Version;
}

export const retired = ({ name, version }: Named): Refusal =>
  new Refusal('modelRetired', `The model ${name} version ${version} is retired.`);

/** In the transaction that uses it, until whose end it is not retired. One that is not there is refused elsewhere. */
export async function refuseRetired({ models }: Pick<Repositories, 'models'>, named: Named): Promise<void> {
  if ((await models.mayBeUsed(named.name, named.version)) === false) throw retired(named);
}
