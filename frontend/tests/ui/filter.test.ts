import { expect, test } from 'vitest';
import { ROOM_WORD_LENGTH_MAX, ROOM_WORDS_MAX } from '../../src/protocol';
import { add } from '../../src/ui/filter/words';

test('words are written one by one, or many with commas and lines between', () => {
  expect(add([], ' 스포일러 ')).toEqual({ words: ['스포일러'], refused: [] });
  expect(add(['하나요'], '둘둘, 셋셋，넷넷\n다섯, ,').words).toEqual([
    '하나요',
    '둘둘',
    '셋셋',
    '넷넷',
    '다섯',
  ]);
});

test.each([
  ['말', 'short'],
  ['가'.repeat(ROOM_WORD_LENGTH_MAX + 1), 'long'],
  ['나쁜 말', 'letters'],
  ['18년', 'letters'],
  ['*말말', 'letters'],
  ['🏓🏓', 'letters'],
  ['SPOILER', 'twice'],
  ['스포일러'.normalize('NFD'), 'twice'],
])('%s is refused as %s, and the others are not', (word, problem) => {
  const added = add(['spoiler', '스포일러'], `${word}, 딴말`);
  expect(added.refused).toEqual([{ word: word.normalize('NFC'), problem }]);
  expect(added.words).toEqual(['spoiler', '스포일러', '딴말']);
});

test('there are only so many', () => {
  const letter = (at: number) => String.fromCodePoint(0xac00 + at);
  const full = Array.from({ length: ROOM_WORDS_MAX }, (_, at) => `낱${letter(at)}`);
  expect(add(full, '하나').refused).toEqual([{ word: '하나', problem: 'full' }]);
  expect(add(full.slice(1), '하나').words).toHaveLength(ROOM_WORDS_MAX);
});
