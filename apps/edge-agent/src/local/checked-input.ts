import { StandardSchemaValidationPipe } from '@nestjs/common';
import { Refusal, wordsOfIssue } from '@openward/contracts';
import type { z } from 'zod';

const MOST_TOLD = 20;

/** What is asked over the socket against its schema; the refusal names each field, what may stand there, and an example. */
export const checkedInput = (): StandardSchemaValidationPipe =>
  new StandardSchemaValidationPipe({
    exceptionFactory: (issues) => {
      // Every schema of ours is zod's, whose issues say more than the standard asks for.
      const lines = (issues as readonly z.core.$ZodIssue[]).slice(0, MOST_TOLD).map((issue) => {
        const field = issue.path.map(String).join('.');
        return field === '' ? wordsOfIssue(issue) : `${field}: ${wordsOfIssue(issue)}`;
      });
      return new Refusal('badRequest', `What was asked is not as it should be: ${lines.join('; ')}.`, {
        details: lines,
      });
    },
  });
