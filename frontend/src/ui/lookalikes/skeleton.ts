/**
 * What a name looks like, so that names which look alike are the same: UTS #39's skeleton, for
 * letters that people can type or paste who want to be taken for somebody else. Compatibility
 * forms (full width, bold, circled) are Unicode's own (NFKC).
 * https://www.unicode.org/reports/tr39/#Confusable_Detection
 */
export function skeleton(name: string): string {
  const letters = [...name.normalize('NFKC').replace(INVISIBLE, '')].map(
    (letter) => ALIKE.get(letter) ?? ALIKE.get(letter.toLowerCase()) ?? letter.toLowerCase(),
  );
  return letters.join('').replace(/\s+/g, '').replace(/rn/g, 'm').replace(/vv/g, 'w');
}

/** Format characters, variation selectors, and fillers that are seen as nothing. */
const INVISIBLE = /[\p{Cf}\p{Mn}\p{Me}\u115f\u1160\u3164\uffa0]/gu;

/** What is seen, and all that looks like it. */
const GROUPS = [
  'aаαɑ',
  'bЬƅ',
  'cсϲᴄ',
  'dԁ',
  'eеєҽ',
  'gɡ',
  'hһ',
  'iіıιɩӏі',
  'jјϳ',
  'kкκ',
  'lI1|∣ㅣ丨',
  'mм',
  'nпո',
  'oоοσօо0ㅇ〇○◯',
  'pрρ',
  'qԛգ',
  'rгᴦ',
  'sѕꜱ',
  'tтτ',
  'uυսц',
  'vνѵ',
  'wшԝω',
  'xхχ×',
  'yуγү',
  'zᴢ',
  'BВΒ',
  'EЕΕ',
  'HНΗ',
  'MМΜ',
  'NΝ',
  'TТΤ',
  '3зЗӠ',
  '-‐‑‒–—ㅡ一−ー',
  '.·ㆍ・•',
  "'‘’`ʼ",
  '口ㅁ□',
  '亻イ',
  '二ニ',
  '工エ',
  '力カ',
  '夕タ',
  '卜ト',
];

const ALIKE = new Map<string, string>();
for (const group of GROUPS) {
  const [seen = '', ...others] = [...group.normalize('NFKC')];
  for (const other of others) ALIKE.set(other, seen.toLowerCase());
}
