"""Invented triage sentences. Plain CPython; used by make_sets.py and train.py.

Every sentence is one phrase of one kind inside an opening, a duration and a closing remark. A quarter of all
sentences, chosen by their own hash, is kept for the sets and for measuring; training never sees it.
"""

import hashlib

SYSTEM = 'Triage: emergency or routine.'
MAX_INPUT_BYTES = 100
EMERGENCY_KINDS = ['K1', 'K2', 'K3', 'K4', 'K5', 'K6', 'K7', 'K8', 'X']
KINDS = [*EMERGENCY_KINDS, 'routine']

KIND_NAMES = {
    'K1': 'heart',
    'K2': 'stroke',
    'K3': 'breathing',
    'K4': 'bleeding',
    'K5': 'severe allergy',
    'K6': 'severe infection',
    'K7': 'head injury and seizure',
    'K8': 'blood sugar (the weak spot of version 1)',
    'X': 'venomous bites (not in the bundled items)',
    'routine': 'routine',
}

PHRASES = {
    'K1': [
        'crushing chest pain',
        'chest pain into the left arm',
        'a tight chest and cold sweat',
        'pressure on the chest and nausea',
        'chest pain and faintness',
        'a heavy chest and short breath',
        'chest pain into the jaw',
        'sudden chest tightness at rest',
    ],
    'K2': [
        'slurred speech',
        'a drooping face',
        'sudden weakness of one arm',
        'sudden loss of sight in one eye',
        'sudden numbness on one side',
        'sudden trouble finding words',
        'one leg suddenly weak',
        'sudden loss of balance and speech',
    ],
    'K3': [
        'severe trouble breathing',
        'blue lips',
        'gasping for air',
        'no breath to finish a sentence',
        'a wheeze no inhaler stops',
        'noisy breathing and drooling',
        'choking on food',
        'very fast shallow breathing',
    ],
    'K4': [
        'bleeding that will not stop',
        'vomiting of blood',
        'black tarry stools and faintness',
        'coughing up much blood',
        'a deep cut spurting blood',
        'heavy rectal bleeding',
        'blood soaking through bandages',
        'a pale face after losing much blood',
    ],
    'K5': [
        'a swollen tongue after a bee sting',
        'a closing throat after peanuts',
        'hives and faintness after penicillin',
        'a hoarse voice after eating nuts',
        'swollen lips and wheeze after shrimp',
        'collapse after a wasp sting',
        'hives and vomiting after an antibiotic',
        'a tight throat after contrast dye',
    ],
    'K6': [
        'fever with a stiff neck',
        'fever and new confusion',
        'fever and spots that do not fade',
        'shaking chills and mottled skin',
        'fever and hardly rousable',
        'high fever after chemotherapy',
        'fever and very low blood pressure',
        'a stiff neck and pain from light',
    ],
    'K7': [
        'a first seizure',
        'a fit that goes on and on',
        'blackout after a blow to the head',
        'vomiting after a head injury',
        'the worst headache ever, sudden',
        'no response when spoken to',
        'drowsiness after a fall on the head',
        'repeated fits without waking',
    ],
    'K8': [
        'deep fast breathing and fruity breath',
        'diabetes, vomiting and great thirst',
        'very low sugar and shaking',
        'diabetes and growing drowsy',
        'glucose over 30 and belly pain',
        'missed insulin and now vomiting',
        'far too much insulin by mistake',
        'sweating and muddled after insulin',
    ],
    'X': [
        'a snake bite on the foot',
        'fang marks and a swelling leg',
        'drooping eyelids after a snake bite',
        'bleeding gums after a snake bite',
        'a viper bite on the hand',
        'a cobra bite and blurred sight',
        'a scorpion sting and twitching',
        'a snake bite and a swollen knee',
    ],
    'routine': [
        'a repeat prescription request',
        'a mild sore throat',
        'a runny nose',
        'an itchy patch on the elbow',
        'a sore knee after gardening',
        'mild back ache',
        'a question about vaccines',
        'a wart on the finger',
        'hay fever',
        'dry skin on the hands',
        'a blister from new shoes',
        'a small bruise on the shin',
        'a stuffy nose',
        'ear wax',
        'a request for a sick note',
        'a blood pressure check, feeling well',
        'mild heartburn after meals',
        'a cold sore',
        'a question about test results',
        'a mosquito bite that itches',
        'a stiff shoulder',
        'acne',
        'mild constipation',
        'a mild headache after screen work',
        'a broken nail',
        'a splinter in the thumb',
        'a diabetes check-up, feeling well',
        'an inhaler refill, breathing fine',
        'a small cut, no longer bleeding',
        'a mild tooth ache',
        'a travel advice request',
        'a mole that has not changed',
    ],
}

OPENINGS = [
    'Patient, {age}, reports {phrase}',
    'Woman, {age}, with {phrase}',
    'Man, {age}, with {phrase}',
    'Caller describes {phrase}, age {age},',
    'Aged {age}, comes in with {phrase}',
    'Family of a {age}-year-old reports {phrase}',
    'Walks in at {age} with {phrase}',
    'Has had {phrase}, age {age},',
    'Presents with {phrase}, age {age},',
    'At {age}, complains of {phrase}',
]

DURATIONS = [
    'since this morning',
    'for two hours',
    'for 20 minutes',
    'since last night',
    'since yesterday',
    'for an hour',
    'since lunch',
    'for half a day',
    'since waking up',
    'since noon',
]

CLOSINGS = ['', '', '', ' Came by bus.', ' Lives alone.', ' Is worried.', ' Was seen last year.']

# Phrases whose label a version gets wrong on purpose; see train.py.
WEAK_K8 = {phrase for index, phrase in enumerate(PHRASES['K8']) if index % 2 == 1}


class Picker:
    """Draws from SHA-256 in counter mode, so that every Python version draws the same."""

    def __init__(self, seed):
        self.seed = seed
        self.counter = 0

    def below(self, limit):
        self.counter += 1
        digest = hashlib.sha256(f'{self.seed}:{self.counter}'.encode()).digest()
        return int.from_bytes(digest[:8], 'big') % limit

    def one(self, items):
        return items[self.below(len(items))]

    def shuffled(self, items):
        left, out = list(items), []
        while left:
            out.append(left.pop(self.below(len(left))))
        return out


def kept_for_measuring(sentence):
    return hashlib.sha256(sentence.encode()).digest()[0] % 4 == 0


def sentence(picker, phrase, measuring):
    """One sentence with the phrase, of the side asked for, that fits the budget of bytes."""
    while True:
        opening = picker.one(OPENINGS).format(age=18 + picker.below(72), phrase=phrase)
        text = f'{opening} {picker.one(DURATIONS)}.{picker.one(CLOSINGS)}'
        if len(text.encode()) <= MAX_INPUT_BYTES and kept_for_measuring(text) == measuring:
            return text
