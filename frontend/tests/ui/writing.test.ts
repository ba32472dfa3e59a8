import { describe, expect, it } from 'vitest';
import { decoded, encoded, typed, type Written } from '../../src/ui/chat/writing';
import { seeded } from '../core/fakes';

const NAMES: Record<string, string> = { ann: '지민', bob: '민수', cho: '지민' };
const called = (userId: string) => NAMES[userId];
const of = (sent: string) => decoded(sent, called);

describe('what is written', () => {
  it.each([
    '',
    'no people',
    '<@ann>',
    '<@ann><@bob>',
    'to <@ann>아, and <@bob>.\n<@ann> 🏓',
    '<@nobody> <@ann> <@> @ann < @bob>',
  ])('is read as names and sent as people (%j)', (sent) => {
    const written = of(sent);
    expect(encoded(written)).toBe(sent);
    expect(written.text).not.toMatch(/<@(ann|bob|cho)>/);
    for (const { at, length, userId } of written.marks) {
      expect(written.text.slice(at, at + length)).toBe(`@${NAMES[userId]}`);
    }
  });

  it('keeps people when something is written around them', () => {
    let written = of('<@ann> <@bob>');
    written = typed(written, 'hi @지민 @민수', 3);
    written = typed(written, 'hi @지민아 @민수', 7);
    written = typed(written, 'hi @지민아 @민수!', 11);
    expect(encoded(written)).toBe('hi <@ann>아 <@bob>!');
  });

  it('means nobody any more where a name was touched', () => {
    expect(encoded(typed(of('<@ann> <@bob>'), '@지 @민수', 2))).toBe('@지 <@bob>');
    expect(encoded(typed(of('<@ann> <@bob>'), '@지x민 @민수', 3))).toBe('@지x민 <@bob>');
    expect(encoded(typed(of('<@ann>'), 'all new'))).toBe('all new');
    expect(encoded(typed(of('<@ann>'), ''))).toBe('');
  });

  it('means the right one of two people of one name, whichever goes', () => {
    expect(encoded(typed(of('<@ann> <@cho> '), '@지민 ', 0))).toBe('<@cho> ');
    expect(encoded(typed(of('<@ann> <@cho> '), '@지민 ', 4))).toBe('<@ann> ');
  });

  it.each([1, 2, 3, 4, 5])('never means somebody by other letters than their name (seed %i)', (seed) => {
    const random = seeded(seed);
    const pick = (count: number) => Math.floor(random() * count);
    let written: Written = of('<@ann> <@bob>, <@cho><@ann>! @지민 <@bob>');
    let people = written.marks.map((mark) => mark.userId);
    for (let step = 0; step < 60; step++) {
      const { text } = written;
      const from = pick(text.length + 1);
      const to = Math.min(text.length, from + pick(4));
      const put = ['', '@', '지', '지민', ' ', '@지민', 'x'][pick(7)] as string;
      const untouched = written.marks.filter((mark) => mark.at + mark.length <= from || mark.at >= to);
      written = typed(written, text.slice(0, from) + put + text.slice(to), from + put.length);
      for (const { at, length, userId } of written.marks) {
        expect(written.text.slice(at, at + length)).toBe(`@${NAMES[userId]}`);
      }
      // Nobody appears from nowhere, and nobody who was not touched is lost.
      const left = written.marks.map((mark) => mark.userId);
      expect(left.length).toBeLessThanOrEqual(people.length);
      expect(left.length).toBeGreaterThanOrEqual(untouched.length);
      people = left;
    }
  });
});
