import type { ChatTemplate } from '@openward/contracts';

// Templates of families of models, as their makers write them.

const llama3 = (role: string) => ({ before: `<|start_header_id|>${role}<|end_header_id|>\n\n`, after: '<|eot_id|>' });
const chatMl = (role: string) => ({ before: `<|im_start|>${role}\n`, after: '<|im_end|>\n' });
const gemma = (role: string) => ({ before: `<start_of_turn>${role}\n`, after: '<end_of_turn>\n' });

export const TEMPLATES = {
  chatMl: {
    bos: '',
    system: chatMl('system'),
    user: chatMl('user'),
    assistant: chatMl('assistant'),
    stop: ['<|im_end|>'],
  },
  llama3: {
    bos: '<|begin_of_text|>',
    system: llama3('system'),
    user: llama3('user'),
    assistant: llama3('assistant'),
    stop: ['<|eot_id|>'],
  },
  gemma: {
    bos: '<bos>',
    system: gemma('user'),
    user: gemma('user'),
    assistant: gemma('model'),
    stop: ['<end_of_turn>'],
  },
  mistral: {
    bos: '<s>',
    system: { before: '[SYSTEM_PROMPT] ', after: '[/SYSTEM_PROMPT]' },
    user: { before: '[INST] ', after: ' [/INST]' },
    assistant: { before: ' ', after: '</s>' },
    stop: ['</s>'],
  },
  /** Vicuna's: roles are words. */
  plainWords: {
    bos: '<s>',
    system: { before: '', after: '\n\n' },
    user: { before: 'USER: ', after: '\n' },
    assistant: { before: 'ASSISTANT: ', after: '</s>\n' },
    stop: ['</s>'],
  },
} satisfies Record<string, ChatTemplate>;
