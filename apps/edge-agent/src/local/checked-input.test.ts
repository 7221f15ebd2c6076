import { Name } from '@openward/contracts';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { checkedInput } from './checked-input.ts';

it('a field that is refused over the socket says what may stand there, with an example', async () => {
  const schema = z.strictObject({ kind: z.literal('pin'), service: Name });
  const asked = checkedInput().transform({ kind: 'pin', service: 'Triage 1' }, { type: 'body', schema });
  await expect(asked).rejects.toMatchObject({
    code: 'badRequest',
    message: expect.stringMatching(/service: has lower-case letters.* such as lakeside-1/) as string,
  });
});
