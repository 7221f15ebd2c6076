import type { PromptPolicy } from '@openward/contracts';

export const TEXTS = {
  emergency: {
    en: 'This may be an emergency. Call {{emergencyNumber}} now, or go to the nearest emergency department. Do not wait for an answer here.',
    fr: "Il peut s'agir d'une urgence. Appelez le {{emergencyNumber}} maintenant, ou rendez-vous aux urgences les plus proches. N'attendez pas de réponse ici.",
  },
  'self-harm': {
    en: 'If you are thinking of harming yourself, you are not alone. Call {{emergencyNumber}} now, or tell somebody who is with you.',
    fr: "Si vous pensez à vous faire du mal, vous n'êtes pas seul. Appelez le {{emergencyNumber}} maintenant, ou parlez-en à quelqu'un près de vous.",
  },
  refusal: {
    en: 'This cannot be answered here. Please ask in other words, or ask a member of staff.',
    fr: 'Il n’est pas possible de répondre ici. Posez la question autrement, ou adressez-vous au personnel.',
  },
  'too-long': {
    en: 'The text is too long to be read safely. Please send the part that matters, in at most 6,000 characters.',
    fr: 'Le texte est trop long pour être lu de façon sûre. Envoyez la partie importante, en 6 000 caractères au plus.',
  },
  disclaimer: {
    en: 'This is help with triage and no diagnosis. A clinician decides.',
    fr: "Ceci est une aide au triage et non un diagnostic. C'est un soignant qui décide.",
  },
} as const satisfies PromptPolicy['texts'];

export type StarterLanguage = keyof (typeof TEXTS)['emergency'];

export const EMERGENCY_NUMBER = '112';

/** A text as a site without its own number gives it. */
export const told = (code: keyof typeof TEXTS, language: StarterLanguage): string =>
  TEXTS[code][language].replaceAll('{{emergencyNumber}}', EMERGENCY_NUMBER);
