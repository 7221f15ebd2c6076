import type { Service } from '@openward/contracts';
import { renderTemplate, variableValues, type SiteTerms } from '@openward/policy';

/**
 * What callers are told to do without a service, in this site's words: its own value of each variable that the service declares, else
 * the default. A service that declares none is told as it is written. Never throws, since a brake tells it: the control plane refuses a
 * text that names what is not declared, and where one comes all the same it stands as it is.
 */
export function fallbackOf({ fallbackText, variables }: Service, terms: SiteTerms): string {
  if (variables === undefined) return fallbackText;
  try {
    return renderTemplate(fallbackText, variableValues({ variables }, terms.variables));
  } catch {
    // The text as it is written tells more than none.
    return fallbackText;
  }
}
