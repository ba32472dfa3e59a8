/** Letters as people count them: code points. */
export function lengthOf(text: string): number {
  return [...text].length;
}

/** Without the control characters that the server refuses, and halves of characters. */
export function cleanText(text: string): string {
  return text.replace(/\p{Cs}|(?![\n\t\r])\p{Cc}/gu, '');
}

/** Whether anything in it draws something; the rule of chalicelib/texts.py. */
export function hasVisible(text: string): boolean {
  return /[^\p{C}\p{Z}\p{M}\u115f\u1160\u3164\uffa0\u2800]|(?=[\u{1f000}-\u{1faff}])\p{Cn}/u.test(
    text,
  );
}

/** Letters and signs that are written from right to left, or turn what is around them. */
const TURNING = /[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}\u200e\u200f\u202a-\u202e\u2066-\u2069]/u;

/**
 * A name that does not change the order of the words around it.
 * https://www.unicode.org/reports/tr9/#Explicit_Directional_Isolates
 */
export function isolated(name: string): string {
  if (!TURNING.test(name)) return name;
  return `\u2068${name.replace(/[\u202a-\u202e\u2066-\u2069]/g, '')}\u2069`;
}

/** A flag, a letter with its marks (not all that there can be), or a whole family of emoji. */
const FIRST = /^(?:\p{RI}{2}|.[\p{M}\p{EMod}]{0,3}(?:\u200d.[\p{M}\p{EMod}]{0,3})*)/su;

/** What stands for a person without a picture. */
export function initialOf(nickname: string): string {
  const name = nickname.replace(/^[\u2066-\u2069]/, '').trim();
  return (FIRST.exec(name)?.[0] ?? '?').toLocaleUpperCase();
}

/** A colour of one's own, out of eight. */
export function tintOf(userId: string): number {
  let sum = 0;
  for (const char of userId) sum = (sum * 31 + (char.codePointAt(0) ?? 0)) >>> 0;
  return sum % 8;
}
