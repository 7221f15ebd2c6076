import { describe, expect, it } from 'vitest';
import { CLINICAL_CORPUS } from '../corpus/clinical.ts';
import { topicFinder } from '../find-topic.ts';
import { fold } from '../fold.ts';
import { EMERGENCY, SELF_HARM } from './red-flags.ts';

const TOPICS = { emergency: EMERGENCY, 'self-harm': SELF_HARM } as const;

const found = (phrases: readonly string[], text: string): string[] => {
  const topic = topicFinder(phrases);
  if (topic.kind === 'refused') throw new Error(topic.why);
  return topic.finder
    .find(fold(text, { today: '2026-03-01', language: 'en' }))
    .map(({ start, end }) => text.slice(start, end));
};
const all = (topic: keyof typeof TOPICS): readonly string[] => [...TOPICS[topic].en, ...TOPICS[topic].fr];
const any = (text: string): string[] => [...found(all('emergency'), text), ...found(all('self-harm'), text)];

describe('the red flags of the starter policy', () => {
  it.each([
    // What people write every day of something else.
    'I hurt myself lifting a box, my back is sore.',
    'I cut myself shaving, does it need a stitch?',
    'I cut myself on a tin yesterday, tetanus was 2019.',
    'Otitis not responding to amoxicillin after 72 hours.',
    'The rash is not responding to the cream.',
    'My new brace is not fitting well.',
    'Head lice: the leaflets were handed out at school.',
    'Chest X-ray normal, no pleural effusion.',
    'Her plants die each winter and she sleeps badly.',
    'Je voudrais en finir avec cette toux.',
    'Un sirop pour en finir avec cette toux, s’il vous plaît.',
    'Cette toux va me tuer, je ne dors plus.',
    'Eczéma qui ne répond plus aux dermocorticoïdes.',
    'Le cabinet ne répond plus au téléphone depuis midi.',
    'Le bébé ne se réveille pas la nuit, il a six mois.',
    'J’ai du mal à parler français, ma fille traduit.',
    'J’ai du mal à parler à cause de la gorge.',
    'Poitrine dégagée, auscultation normale.',
  ])('leave alone: %s', (text) => {
    expect(any(text)).toEqual([]);
  });

  it.each<[keyof typeof TOPICS, string]>([
    ['emergency', 'He is unresponsive.'],
    ['emergency', 'She is not responding when I call her.'],
    ['emergency', 'My child is fitting!'],
    ['emergency', 'Il ne répond plus quand on lui parle.'],
    ['emergency', 'Impossible de la réveiller ce matin.'],
    ['emergency', 'Papa a soudain du mal à parler.'],
    ['self-harm', 'I want to hurt myself.'],
    ['self-harm', 'I cut myself on purpose last night.'],
    ['self-harm', 'Je veux en finir.'],
    ['self-harm', 'J’ai envie d’en finir.'],
    ['self-harm', 'Je pense à me tuer.'],
  ])('%s hits: %s', (topic, text) => {
    expect(found(all(topic), text)).not.toEqual([]);
  });

  it('hit of the clinical corpus two negations, and nothing else', () => {
    const hits = Object.values(CLINICAL_CORPUS)
      .flat()
      .flatMap((sentence) => any(sentence).map((phrase) => `${phrase}: ${sentence}`));
    expect(hits).toMatchInlineSnapshot(`
      [
        "chest pain: No chest pain, no shortness of breath, walks 2 km a day.",
        "douleur thoracique: Pas de douleur thoracique, pas de dyspnée, marche 2 km par jour.",
      ]
    `);
  });

  it('each find themselves, and none stands there twice', () => {
    for (const phrases of [EMERGENCY.en, EMERGENCY.fr, SELF_HARM.en, SELF_HARM.fr]) {
      expect(phrases.filter((phrase) => found([phrase], `${phrase}.`).length !== 1)).toEqual([]);
      expect(new Set(phrases).size).toBe(phrases.length);
    }
  });
});
