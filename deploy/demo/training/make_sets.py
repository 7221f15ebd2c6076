"""Makes the suite's bundled items and the three sites' own records. Plain CPython; the same bytes each time."""

import csv
import io
import json
import pathlib

from sentences import PHRASES, Picker, sentence

SEED = 'openward-demo-sets-1'
DEMO = pathlib.Path(__file__).resolve().parent.parent
REGULAR = ['K1', 'K2', 'K3', 'K4', 'K5', 'K6', 'K7']

# Red-flag items by kind: K1 to K7 together, K8, X. Each set has 120.
MIXES = {
    'bundled': (105, 15, 0),
    'referral': (107, 12, 1),
    'district': (68, 12, 40),
    'primary': (96, 12, 12),
}
ROUTINE_BUNDLED = 40


def kinds_of(mix):
    regular, k8, x = mix
    return [REGULAR[i % len(REGULAR)] for i in range(regular)] + ['K8'] * k8 + ['X'] * x


def fresh_sentences(name, kinds, used):
    picker = Picker(f'{SEED}:{name}')
    seen = dict.fromkeys(PHRASES, 0)
    rows = []
    for kind in kinds:
        phrase = PHRASES[kind][seen[kind] % len(PHRASES[kind])]
        seen[kind] += 1
        text = sentence(picker, phrase, measuring=True)
        while text in used:
            text = sentence(picker, phrase, measuring=True)
        used.add(text)
        rows.append((kind, text))
    return picker.shuffled(rows)


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())


def main():
    used = set()
    kinds = kinds_of(MIXES['bundled']) + ['routine'] * ROUTINE_BUNDLED
    lines = []
    for index, (kind, text) in enumerate(fresh_sentences('bundled', kinds, used), 1):
        red_flag = kind != 'routine'
        item = {
            'id': f'item-{index:03}',
            'input': text,
            'expected': 'emergency' if red_flag else 'routine',
            'redFlag': red_flag,
            'kind': kind,
        }
        lines.append(json.dumps(item) + '\n')
    write(DEMO / 'suite/items.jsonl', ''.join(lines))

    for site in ('referral', 'district', 'primary'):
        out = io.StringIO()
        table = csv.writer(out, lineterminator='\n')
        table.writerow(['person', 'text', 'label', 'labeller1', 'labeller2'])
        for index, (_, text) in enumerate(fresh_sentences(site, kinds_of(MIXES[site]), used), 1):
            table.writerow([f'{site}-{index:03}', text, 'emergency', 'emergency', 'emergency'])
        write(DEMO / f'sites/{site}/records.csv', out.getvalue())


if __name__ == '__main__':
    main()
