import { describe, expect, it } from 'vitest';
import { skeleton } from '../../src/ui/lookalikes/skeleton';

describe('what a name looks like', () => {
  it.each([
    ['Apple', 'Аррlе', 'Cyrillic'],
    ['Apple', 'AppIe', 'a capital I for an l'],
    ['apple', 'ａｐｐｌｅ', 'full width'],
    ['apple', '𝐚𝐩𝐩𝐥𝐞', 'bold'],
    ['apple', 'APPLE', 'capitals'],
    ['Modern', 'Modem', 'rn for m'],
    ['oops', '0ops', 'a zero'],
    ['ㅇㅇ', '○○', 'circles'],
    ['지민', '지 민', 'a space'],
    ['지민', '지\u200b민', 'what is not seen'],
    ['지민', '지민\u3164', 'a filler'],
    ['지민', '지민'.normalize('NFD'), 'single letters'],
    ['관리ㅣ', '관리l', 'an l for a vowel'],
  ])('%s is like %s (%s)', (one, other) => {
    expect(skeleton(one)).toBe(skeleton(other));
  });

  it.each([
    ['지민', '지인'],
    ['민수', '민서'],
    ['apple', 'apply'],
    ['방장', '방장님'],
    ['Ann', 'Anna'],
  ])('%s is not like %s', (one, other) => {
    expect(skeleton(one)).not.toBe(skeleton(other));
  });
});
