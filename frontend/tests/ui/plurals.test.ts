import { beforeAll, describe, expect, it, vi } from 'vitest';
import { lang, loadLang, texts } from '../../src/i18n';

/** Every module of texts: those of i18n, and those beside the chunk that shows them. */
const modules = import.meta.glob<Record<string, unknown>>(
  ['../../src/i18n/*.ts', '../../src/ui/**/*exts.ts', '!**/{ko,en,index}.ts'],
  { eager: true },
);

type Counting = [name: string, text: (...counts: number[]) => unknown];

/** The texts that are made of something, by name; with one thing of each, and with many. */
function* madeOf(name: string, value: unknown): Generator<Counting> {
  if (typeof value === 'function') yield [name, value as Counting[1]];
  else if (value && typeof value === 'object')
    for (const [key, each] of Object.entries(value)) yield* madeOf(`${name}.${key}`, each);
}

/** As said with that count of everything; nothing where it takes something else than counts. */
function said(text: Counting[1], count: number): string {
  try {
    return String(text(count, count, count));
  } catch {
    return '';
  }
}

function allTexts(): Counting[] {
  const found = [...madeOf('texts', texts.value)];
  for (const module of Object.values(modules))
    for (const [name, each] of Object.entries(module))
      if (each && typeof each === 'object' && 'value' in each)
        found.push(...madeOf(name, each.value));
  return found;
}

/** What is said of limits, or from two on: there is never one of it. */
const NEVER_ONE = [
  'texts.counter',
  'texts.rooms.tooLong',
  'texts.chat.typingMany',
  'nicknameTexts.tooLong',
  'roomTexts.presentMany',
  'directoryTexts.passcodeLength',
  'ruleTexts.notices.capacity',
  'wayTexts.passcodeHint',
  'wayTexts.people',
];

const THINGS = 
  'person|member|message|reaction|character|room|minute|hour|day|time|place|link|device|second';

describe('in English', () => {
  const rules = new Intl.PluralRules('en');
  beforeAll(async () => {
    await loadLang('en');
    lang.value = 'en';
  });

  it('has texts that count', () => {
    const counting = allTexts().filter(([, text]) => said(text, 1) !== said(text, 2));
    expect(counting.length).toBeGreaterThan(15);
  });

  it.each([0, 1, 2, 5, 21, 101])('says the right number of %i', (count) => {
    const one = new RegExp(`(?<![\\d,.])${count} (?:new |unsent |unread )?(?:${THINGS})\\b`);
    const many = new RegExp(
      `(?<![\\d,.])${count} (?:new |unsent |unread )?(?:people|(?:${THINGS})s)\\b`,
    );
    const wrong = rules.select(count) === 'one' ? many : one;
    const all = allTexts().filter(([name]) => count !== 1 || !NEVER_ONE.includes(name));
    const lines = all.map(([name, text]) => `${name}: ${said(text, count)}`);
    expect(lines.filter((each) => wrong.test(each))).toEqual([]);
  });
});

it('writes numbers in the language of the page, not of the browser', async () => {
  await loadLang('en');
  const written = vi.spyOn(Number.prototype, 'toLocaleString');
  for (const each of ['ko', 'en'] as const) {
    lang.value = each;
    written.mockClear();
    for (const [, text] of allTexts()) said(text, 61_536);
    expect(written.mock.calls.length).toBeGreaterThan(2);
    expect(written.mock.calls.filter(([tag]) => tag !== each)).toEqual([]);
  }
  written.mockRestore();
});
