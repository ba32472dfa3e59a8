const INITIALS = 'ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ';
/** By the keys that write them: on the way to 과 one has written 고, on the way to 닭 달. */
const VOWELS = 'ㅏ ㅐ ㅑ ㅒ ㅓ ㅔ ㅕ ㅖ ㅗ ㅗㅏ ㅗㅐ ㅗㅣ ㅛ ㅜ ㅜㅓ ㅜㅔ ㅜㅣ ㅠ ㅡ ㅡㅣ ㅣ'.split(' ');
const FINALS =
  ' ㄱ ㄲ ㄱㅅ ㄴ ㄴㅈ ㄴㅎ ㄷ ㄹ ㄹㄱ ㄹㅁ ㄹㅂ ㄹㅅ ㄹㅌ ㄹㅍ ㄹㅎ ㅁ ㅂ ㅂㅅ ㅅ ㅆ ㅇ ㅈ ㅊ ㅋ ㅌ ㅍ ㅎ'.split(' ');
/** The finals as they stand alone; some keyboards join two initials like that. */
const JOINED = ' ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ';

/** Stands before each letter or syllable; in no text, as white space is left out. */
const START = '\n';

let lastQuery = '';
let lastPattern = /^/;

/**
 * Whether somebody who has typed this, or is about to go on, may mean that text: a part of it, in
 * any case and spacing, syllables still being composed, or initials alone (ㅌㄱ for 탁구).
 */
export function matches(query: string, text: string): boolean {
  if (query !== lastQuery) {
    lastPattern = new RegExp(lettersOf(query).map(patternOf).join(''), 'u');
    lastQuery = query;
  }
  return lastPattern.test(
    lettersOf(text)
      .map((letter) => START + keysOf(letter).join(''))
      .join(''),
  );
}

function lettersOf(text: string): string[] {
  return [...text.normalize('NFC').toLowerCase().replace(/[\s\p{Cf}]/gu, '')];
}

/** Initial, vowel and final of a syllable; else the letter alone. */
function keysOf(letter: string): string[] {
  const code = letter.charCodeAt(0) - 0xac00;
  if (code < 0 || code >= 11_172) return [letter];
  return [
    INITIALS[Math.floor(code / 588)] as string,
    VOWELS[Math.floor((code % 588) / 28)] as string,
    FINALS[code % 28] as string,
  ];
}

function patternOf(letter: string): string {
  const [first = '', vowel, final = ''] = keysOf(letter);
  // What is a final now may become the next syllable's initial.
  if (vowel) return START + first + vowel + [...final].map((key) => `${START}?${key}`).join('');
  const initials = FINALS[JOINED.indexOf(first)];
  if (initials) return [...initials].map((key) => `${START}${key}[^${START}]*`).join('');
  const rest = INITIALS.includes(first) ? `[^${START}]*` : '';
  return START + first.replace(/[$()*+./?[\\\]^{|}]/, '\\$&') + rest;
}
