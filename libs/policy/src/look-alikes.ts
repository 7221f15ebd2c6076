// Letters of other scripts that read as Latin ones, and the quotation marks, apostrophes, dashes, points and blanks that are put for
// those of ASCII, by keyboards of telephones first of all: "can’t breathe" is an emergency too. A letter stands here in both cases
// only where both look so, but for Cyrillic small letters whose capital does: without them a rule that takes both cases alike would
// know one of them alone. The Greek small mu is left out, since it is the micro of "µg", which no rule may take for "mg".
const PAIRS = [
  // Cyrillic
  'аaеeоoрpсcуyхxіiјjѕsԁdһhԛqԝwӏlАAВBЕEКKМMНHОOРPСCТTУYХXІIЈJЅSԀDҺHԚQԜWӀIвbкkмmнhтt',
  // Greek
  'αaιiκkνvοoρpυuϲcϳjΑAΒBΕEΖZΗHΙIΚKΜMΝNΟOΡPΤTΥYΧXϹCͿJ',
  // Latin of other alphabets: script g, dotless i, small capitals
  'ɡgıiɑaᴀaʙbᴄcᴅdᴇeɢgʜhɪiᴊjᴋkʟlᴍmɴnᴏoᴘpʀrꜱsᴛtᴜuᴠvᴡwʏyᴢz',
  // Latin with a stroke, which is no mark that could be left out
  'øoØOłlŁLđdĐDħhĦHŧtŦTƀbɨi',
  // Armenian
  'օoՕOսuՍUհhոnցgզqԼLՏS',
  // Cherokee, whose small letters are the capitals made small
  'ᎠDꭰdᎡRꭱrᎢTꭲtᎪAꭺaᎫJꭻjᎬEꭼeᎳWꮃwᎷMꮇmᎻHꮋhᏀGꮐgᏃZꮓzᏢPꮲpᏟCꮯcᏞLꮮlᏙVꮩvᏦKꮶkᏴBᏼbᏚSꮪs',
  // Marks
  "‘'’'‛'ʼ'ʹ'´'′'“\"”\"„\"‟\"″\"‐-‑-‒-–-—-―-−-﹘-﹣-",
  // Full stops at half height, which are decimal points too; and letters that are seen as a blank
  '·.∙.⋅.‧.',
  '\u3164 \uFFA0 \u2800 ',
].join('');

// Letters that people also write as two: "cœur" is "coeur", and "groß" is "gross" or "GROSS".
const AS_TWO: readonly (readonly [string, string])[] = [
  ['ß', 'ss'],
  ['ẞ', 'SS'],
  ['œ', 'oe'],
  ['Œ', 'OE'],
  ['æ', 'ae'],
  ['Æ', 'AE'],
];

export const LOOK_ALIKES: ReadonlyMap<string, string> = new Map([
  ...Array.from({ length: PAIRS.length / 2 }, (_, at) => [PAIRS.charAt(at * 2), PAIRS.charAt(at * 2 + 1)] as const),
  ...AS_TWO,
]);
