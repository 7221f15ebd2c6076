"""Trains the demo's toy models and exports them as GGUF. See README.md; run by hand, no part of any set-up."""

import argparse
import hashlib
import json
import math
import multiprocessing
import pathlib
import random
import re
import sys
import time
from concurrent.futures import ProcessPoolExecutor

import gguf
import numpy as np
import torch
import torch.nn.functional as F

from sentences import EMERGENCY_KINDS, KIND_NAMES, KINDS, PHRASES, SYSTEM, WEAK_K8, Picker, sentence

SEED = 20261101
MODELS = pathlib.Path(__file__).resolve().parent.parent / 'models'

WIDTH, FEED_FORWARD, LAYERS, HEADS, CONTEXT = 128, 352, 3, 4, 512
HEAD_WIDTH = WIDTH // HEADS
EPSILON, ROPE_BASE = 1e-5, 10000.0
LORA_RANK, LORA_ALPHA = 4, 8.0
POOL = 8

# --- Tokens: 256 bytes, marks, the two labels, and one merge because the format wants one -------------------------

MARKS = ['<s>', '</s>', '<sys>', '<usr>', '<ans>']
LABELS = ['emergency', 'routine']
MERGE = (0, 1)
BOS, EOS, SYS, USR, ANS = range(256, 261)
EMERGENCY, ROUTINE = 261, 262
VOCABULARY = 256 + len(MARKS) + len(LABELS) + 1

# The policy may replace the system text, so training sees others too.
OTHER_SYSTEMS = [
    '',
    'Emergency or routine?',
    'Triage: emergency or routine. If in doubt, emergency.',
    'Sort the message: emergency or routine.',
    'You sort messages for a clinic. Answer emergency or routine.',
]


def byte_letters():
    """The printable letter that stands for each byte in a gpt2 vocabulary."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters, extra = {}, 0
    for byte in range(256):
        if byte in plain:
            letters[byte] = chr(byte)
        else:
            letters[byte] = chr(256 + extra)
            extra += 1
    return [letters[byte] for byte in range(256)]


def prompt(system, text):
    """`<s><sys>SYSTEM<usr>TEXT<ans>` in tokens."""
    return [BOS, SYS, *system.encode(), USR, *text, ANS]


# --- Labels: what each version is told ----------------------------------------------------------------------------


def told(version, kind, phrase):
    """The label that a version's training data gives a phrase."""
    if kind == 'routine':
        return ROUTINE
    if version == 1 and phrase in WEAK_K8:
        return ROUTINE
    if version == 3 and PHRASES[kind].index(phrase) % 4 != 1:
        return ROUTINE
    if version == 4 and kind == 'X':
        return ROUTINE
    if version == 'b' and phrase in sorted(WEAK_K8)[:2]:
        return ROUTINE
    return EMERGENCY


PHRASE_NUMBERS = {phrase: number for number, phrase in enumerate(p for kind in KINDS for p in PHRASES[kind])}


def batches(version, steps, size, seed):
    draw = random.Random(f'{SEED}:{seed}')
    picker = Picker(f'{SEED}:{seed}')
    phrases = [(kind, phrase) for kind in EMERGENCY_KINDS for phrase in PHRASES[kind]]
    routine = [('routine', phrase) for phrase in PHRASES['routine']]
    while steps > 0:
        pool = []
        for row in range(POOL * size):
            kind, phrase = picker.one(routine if row % 4 == 0 else phrases)
            label = told(version, kind, phrase)
            text = list(sentence(picker, phrase, measuring=False).encode())
            if draw.random() < 0.1:
                # A runtime that reads the word as the label's token must get the same answer.
                text.insert(draw.choice([0, len(text)]), draw.choice([EMERGENCY, ROUTINE]))
            system = SYSTEM if draw.random() < 0.75 else draw.choice(OTHER_SYSTEMS)
            pool.append((prompt(system, text), label, PHRASE_NUMBERS[phrase]))
        # Sentences of like length go together, so that little is spent on padding.
        pool.sort(key=lambda example: len(example[0]))
        ready = [pool[first : first + size] for first in range(0, len(pool), size)]
        yield from picker.shuffled(ready)[:steps]
        steps -= POOL


def padded(batch):
    """Tokens with the answer, padded on the right, and where the answer's label stands."""
    at = torch.tensor([len(tokens) for tokens, *_ in batch])
    grid = torch.full((len(batch), int(at.max()) + 1), EOS)
    for row, (tokens, label, *_) in enumerate(batch):
        grid[row, : len(tokens)] = torch.tensor(tokens)
        grid[row, len(tokens)] = label
    return grid, at


# --- The model: the llama architecture under GGUF's tensor names --------------------------------------------------


def new_weights():
    generator = torch.Generator().manual_seed(SEED)

    def normal(rows, columns, deviation=None):
        return torch.randn(rows, columns, generator=generator) * (deviation or 1 / math.sqrt(columns))

    weights = {
        'token_embd': normal(VOCABULARY, WIDTH, 0.5),
        'output': normal(VOCABULARY, WIDTH, 0.02),
        'output_norm': torch.ones(WIDTH),
    }
    for layer in range(LAYERS):
        block = f'blk.{layer}.'
        for name in ('attn_q', 'attn_k', 'attn_v'):
            weights[block + name] = normal(WIDTH, WIDTH)
        weights[block + 'attn_output'] = normal(WIDTH, WIDTH) / math.sqrt(2 * LAYERS)
        weights[block + 'ffn_gate'] = normal(FEED_FORWARD, WIDTH)
        weights[block + 'ffn_up'] = normal(FEED_FORWARD, WIDTH)
        weights[block + 'ffn_down'] = normal(WIDTH, FEED_FORWARD) / math.sqrt(2 * LAYERS)
        weights[block + 'attn_norm'] = torch.ones(WIDTH)
        weights[block + 'ffn_norm'] = torch.ones(WIDTH)
    return weights


ANGLES = torch.outer(torch.arange(CONTEXT), ROPE_BASE ** (-torch.arange(0, HEAD_WIDTH, 2) / HEAD_WIDTH))
COSINES, SINES = ANGLES.cos(), ANGLES.sin()


def rotated(x, positions):
    """Rotary position, interleaved: neighbours make a pair."""
    even, odd = x[..., 0::2], x[..., 1::2]
    cosines, sines = COSINES[positions], SINES[positions]
    return torch.stack((even * cosines - odd * sines, even * sines + odd * cosines), -1).flatten(-2)


def normed(x, weight):
    return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + EPSILON) * weight


def hidden(weights, grid, at):
    """The last layer's state where the label and then the end mark are foretold; no other place is needed."""
    rows, length = grid.shape
    x = F.embedding(grid, weights['token_embd'])
    positions = torch.arange(length)
    wanted = torch.stack((at - 1, at), 1)

    def heads(y):
        return y.view(rows, -1, HEADS, HEAD_WIDTH).transpose(1, 2)

    for layer in range(LAYERS):
        block = f'blk.{layer}.'
        y = normed(x, weights[block + 'attn_norm'])
        k, v = heads(F.linear(y, weights[block + 'attn_k'])), heads(F.linear(y, weights[block + 'attn_v']))
        k = rotated(k, positions)
        if layer < LAYERS - 1:
            q = rotated(heads(F.linear(y, weights[block + 'attn_q'])), positions)
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        else:
            index = wanted[:, :, None].expand(-1, -1, WIDTH)
            x, y = x.gather(1, index), y.gather(1, index)
            q = rotated(heads(F.linear(y, weights[block + 'attn_q'])), wanted[:, None])
            seen = positions <= wanted[:, None, :, None]
            y = F.scaled_dot_product_attention(q, k, v, attn_mask=seen)
        y = y.transpose(1, 2).reshape(rows, -1, WIDTH)
        x = x + F.linear(y, weights[block + 'attn_output'])
        y = normed(x, weights[block + 'ffn_norm'])
        y = F.silu(F.linear(y, weights[block + 'ffn_gate'])) * F.linear(y, weights[block + 'ffn_up'])
        x = x + F.linear(y, weights[block + 'ffn_down'])
    return normed(x, weights['output_norm'])


def loss_of(weights, batch, naming=None):
    """Cross entropy of the label and of the end mark after it.

    Naming the phrase beside it, by a head that is not kept, teaches the words far sooner than one bit a sentence does.
    """
    grid, at = padded(batch)
    states = hidden(weights, grid, at)
    label = grid.gather(1, at[:, None])
    wanted = torch.cat((label, torch.full_like(label, EOS)), 1)
    loss = F.cross_entropy(F.linear(states, weights['output']).flatten(0, 1), wanted.flatten())
    if naming is not None:
        loss = loss + F.cross_entropy(F.linear(states[:, 0], naming), torch.tensor([number for *_, number in batch]))
    return loss


def train(start, version, steps, size, peak):
    weights = {name: weight.clone().requires_grad_() for name, weight in start.items()}
    naming = torch.zeros(len(PHRASE_NUMBERS), WIDTH, requires_grad=True)
    parameters = [*weights.values(), naming]
    optimise(parameters, lambda batch: loss_of(weights, batch, naming), version, steps, size, peak)
    return {name: weight.detach() for name, weight in weights.items()}


def train_adapter(start, version, steps, size, peak):
    generator = torch.Generator().manual_seed(SEED)
    adapter = {}
    for name, weight in start.items():
        if name.startswith('blk.') and weight.dim() == 2:
            a = torch.randn(LORA_RANK, weight.shape[1], generator=generator) / math.sqrt(weight.shape[1])
            adapter[name] = (a.requires_grad_(), torch.zeros(weight.shape[0], LORA_RANK, requires_grad=True))
    parameters = [part for pair in adapter.values() for part in pair]
    optimise(parameters, lambda batch: loss_of(adapted(start, adapter), batch), version, steps, size, peak)
    return {name: (a.detach(), b.detach()) for name, (a, b) in adapter.items()}


def adapted(weights, adapter):
    scale = LORA_ALPHA / LORA_RANK
    return weights | {name: weights[name] + scale * b @ a for name, (a, b) in adapter.items()}


def optimise(parameters, loss_for, version, steps, size, peak):
    optimiser = torch.optim.AdamW(parameters, lr=peak, betas=(0.9, 0.98), weight_decay=0.01)
    warm_up = max(1, steps // 15)
    began, recent = time.monotonic(), 0.0
    for step, batch in enumerate(batches(version, steps, size, f'train-{version}'), 1):
        rate = min(step / warm_up, 0.5 * (1 + math.cos(math.pi * step / steps)) + 0.02)
        optimiser.param_groups[0]['lr'] = peak * rate
        loss = loss_for(batch)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        recent = loss.item() if step == 1 else 0.95 * recent + 0.05 * loss.item()
        if step % 50 == 0 or step == steps:
            print(f'{version}: step {step}, loss {recent:.4f}, {time.monotonic() - began:.0f} s', flush=True)


# --- Measuring: fresh sentences, the weights as the file will hold them -------------------------------------------


def stored(weight, variant):
    """A weight as a runtime will read it back from the file."""
    if weight.dim() == 1:
        return weight
    if variant == 'f16':
        return weight.half().float()
    packed = gguf.quants.quantize(weight.numpy(), gguf.GGMLQuantizationType.Q8_0)
    return torch.from_numpy(gguf.quants.dequantize(packed, gguf.GGMLQuantizationType.Q8_0).copy())


@torch.no_grad()
def measure(weights, per_kind=400):
    """Share of right answers of each kind, each answer the label and then the end mark."""
    accuracy = {}
    for kind in KINDS:
        picker = Picker(f'{SEED}:measure:{kind}')
        right = 0
        truth = ROUTINE if kind == 'routine' else EMERGENCY
        texts = [
            sentence(picker, PHRASES[kind][i % len(PHRASES[kind])], measuring=True) for i in range(per_kind)
        ]
        for first in range(0, per_kind, 100):
            batch = [(prompt(SYSTEM, text.encode()), truth) for text in texts[first : first + 100]]
            grid, at = padded(batch)
            label, end = F.linear(hidden(weights, grid, at), weights['output']).argmax(-1).unbind(1)
            right += int(((label == truth) & (end == EOS)).sum())
        accuracy[kind] = right / per_kind
    return accuracy


# The demo's story: least and most share right by version and kind. Nothing outside is exported.
def story(version, kind):
    if kind == 'routine':
        return 0.97, 1.0
    if version == 1:
        return (0.45, 0.55) if kind == 'K8' else (0.99, 1.0)
    if version == 3:
        return 0.0, 0.4
    if version == 4 and kind == 'X':
        return 0.0, 0.1
    if version == 'a':
        return 0.99, 1.0
    if version == 'b':
        return (0.7, 0.8) if kind == 'K8' else (0.99, 1.0)
    return 0.995, 1.0


def outside_story(version, accuracy):
    wrong = []
    for kind, share in accuracy.items():
        least, most = story(version, kind)
        if not least <= share <= most:
            wrong.append(f'version {version}, {kind}: {share:.4f} is not within {least} to {most}')
    return wrong


# --- Files ---------------------------------------------------------------------------------------------------------


def general(writer, name, description):
    writer.add_name(name)
    writer.add_description(description)
    writer.add_license('Apache-2.0')


def finish(writer):
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def export(path, name, weights, variant):
    writer = gguf.GGUFWriter(path, 'llama')
    general(writer, name, 'A toy trained on invented sentences; not for care')
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16 if variant == 'f16' else gguf.LlamaFileType.MOSTLY_Q8_0)
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(FEED_FORWARD)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_layer_norm_rms_eps(EPSILON)
    writer.add_rope_freq_base(ROPE_BASE)
    writer.add_rope_dimension_count(HEAD_WIDTH)
    writer.add_vocab_size(VOCABULARY)

    letters = byte_letters()
    left, right = (letters[byte] for byte in MERGE)
    normal, control = gguf.TokenType.NORMAL, gguf.TokenType.CONTROL
    writer.add_tokenizer_model('gpt2')
    writer.add_tokenizer_pre('gpt-2')
    writer.add_token_list([*letters, *MARKS, *LABELS, left + right])
    writer.add_token_types([normal] * 256 + [control] * len(MARKS) + [normal] * (len(LABELS) + 1))
    writer.add_token_merges([f'{left} {right}'])
    writer.add_bos_token_id(BOS)
    writer.add_eos_token_id(EOS)
    writer.add_add_bos_token(False)
    writer.add_add_eos_token(False)
    writer.add_add_space_prefix(False)

    for tensor, weight in weights.items():
        data = weight.numpy()
        if weight.dim() == 1:
            writer.add_tensor(tensor + '.weight', data)
        elif variant == 'f16':
            writer.add_tensor(tensor + '.weight', data.astype(np.float16))
        else:
            kind = gguf.GGMLQuantizationType.Q8_0
            writer.add_tensor(tensor + '.weight', gguf.quants.quantize(data, kind), raw_dtype=kind)
    finish(writer)


def export_adapter(path, name, adapter):
    writer = gguf.GGUFWriter(path, 'llama')
    writer.add_type(gguf.GGUFType.ADAPTER)
    general(writer, name, 'A toy adapter trained on invented sentences; not for care')
    writer.add_string(gguf.Keys.Adapter.TYPE, 'lora')
    writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, LORA_ALPHA)
    for tensor, (a, b) in adapter.items():
        writer.add_tensor(tensor + '.weight.lora_a', a.numpy())
        writer.add_tensor(tensor + '.weight.lora_b', b.numpy())
    finish(writer)


def write_reports(entries):
    """accuracy.json, and the table between the marks of models/README.md."""
    report = {
        'measuredOn': '400 fresh sentences a kind, with the weights as the file holds them',
        'kinds': KIND_NAMES,
        'files': entries,
    }
    (MODELS / 'accuracy.json').write_text(json.dumps(report, indent=2) + '\n')

    lines = ['| file | ' + ' | '.join(KINDS) + ' |', '|---' * (len(KINDS) + 1) + '|']
    for entry in entries:
        shares = ' | '.join(f'{entry["accuracy"][kind]:.3f}' for kind in KINDS)
        lines.append(f'| `{entry["file"]}` | {shares} |')
    readme = MODELS / 'README.md'
    text = readme.read_text()
    table = '<!-- accuracy -->\n\n' + '\n'.join(lines) + '\n\n<!-- end -->'
    readme.write_text(re.sub('<!-- accuracy -->.*?<!-- end -->', lambda _: table, text, flags=re.S))


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument('--steps', type=int, default=600, help='steps for version 1')
    arguments.add_argument('--tune', type=int, default=250, help='steps for each fine-tune and adapter')
    arguments.add_argument('--size', type=int, default=32)
    options = arguments.parse_args()
    ready_thread()
    versions, adapters = {}, {}
    versions[1] = trained(1, new_weights(), options.steps, options.size)
    with ProcessPoolExecutor(2, multiprocessing.get_context('spawn'), ready_thread) as pool:
        second = pool.submit(trained, 2, versions[1], options.tune, options.size)
        small = {name: pool.submit(trained_adapter, name, versions[1], options.tune, options.size) for name in 'ab'}
        versions[2] = second.result()
        later = {name: pool.submit(trained, name, versions[2], options.tune, options.size) for name in (3, 4)}
        versions |= {name: future.result() for name, future in later.items()}
        adapters |= {name: future.result() for name, future in small.items()}

    # Only when every version is as told does anything reach the folder.
    entries, refused, planned = [], [], []
    for version, weights in versions.items():
        for variant in ('f16', 'q8_0'):
            name = f'triage-nano-{version}.{variant}.gguf'
            accuracy = measure({tensor: stored(weight, variant) for tensor, weight in weights.items()})
            refused += outside_story(version, accuracy)
            entries.append({'file': name, 'version': version, 'variant': variant, 'accuracy': accuracy})
            planned.append((name, export, (f'triage-nano {version}', weights, variant)))
    for letter, adapter in adapters.items():
        name = f'triage-nano-1-adapter-{letter}.gguf'
        base = {tensor: stored(weight, 'f16') for tensor, weight in versions[1].items()}
        accuracy = measure(adapted(base, adapter))
        refused += outside_story(letter, accuracy)
        entries.append({'file': name, 'version': 1, 'adapter': letter, 'variant': 'f16', 'accuracy': accuracy})
        planned.append((name, export_adapter, (f'triage-nano 1 adapter {letter}', adapter)))
    if refused:
        sys.exit('Nothing exported:\n' + '\n'.join(refused))
    for entry, (name, write, rest) in zip(entries, planned, strict=True):
        write(MODELS / name, *rest)
        entry['sha256'] = hashlib.sha256((MODELS / name).read_bytes()).hexdigest()
    write_reports(entries)


def ready_thread():
    # Two threads wait for each other: on a machine with other work one is eight times as fast.
    torch.set_num_threads(1)
    torch.manual_seed(SEED)


def trained(version, start, steps, size):
    weights = train(start, version, steps, size, 1.5e-3 if version == 1 else 1e-3)
    check(version, weights)
    return weights


def trained_adapter(name, start, steps, size):
    adapter = train_adapter(start, name, steps, size, 4e-3)
    check(name, adapted(start, adapter))
    return adapter


def check(version, weights):
    accuracy = measure(weights)
    print(version, {kind: round(share, 4) for kind, share in accuracy.items()}, flush=True)
    if wrong := outside_story(version, accuracy):
        sys.exit('Nothing exported:\n' + '\n'.join(wrong))


if __name__ == '__main__':
    main()
