import { describe, expect, test } from 'vitest';
import { matches } from '../../src/ui/hangul';

describe('what is meant by what has been typed', () => {
  test.each([
    ['', '탁구'],
    ['탁구', '주말 탁구 모임'],
    ['구 모', '탁구모임'],
    ['RALLY', 'Friday rally'],
    // Initials, as one letter each or as a keyboard joins them.
    ['ㅌㄱ', '탁구'],
    ['ㄳ', '감사'],
    ['ㄸㅂ', '떡볶이'],
    ['ㅁㅇ', '주말 탁구 모임'],
    ['ㅌ구', '탁구'],
    ['탁ㄱ 모ㅇ', '탁구 모임'],
    // A syllable on its way.
    ['타', '탁구'],
    ['탁', '타구'],
    ['호', '회의'],
    ['달', '닭갈비'],
    ['닭', '달걀'],
    ['값', '갑사'],
    // Composed and decomposed.
    ['탁구'.normalize('NFD'), '탁구'],
    ['탁구', '탁구'.normalize('NFD')],
    ['ㅏ', 'ㅏ하'],
    ['👍🏽', '좋아요 👍🏽'],
    ['c++ (a|b)', 'C++ (a|b) [x]'],
    ['.*', 'a.*b'],
    ['a-b', 'A-B'],
  ])('%j finds %j', (query, text) => expect(matches(query, text)).toBe(true));

  test.each([
    ['탁구', '타구'],
    ['탁구', '탁상'],
    ['가나', '간나'],
    ['각', '가나'],
    ['ㄱㅌ', '탁구'],
    ['ㄱ', '탁'],
    ['ㅏ', '하'],
    ['가', '고'],
    ['.', 'ab'],
    ['a', 'b'],
  ])('%j does not find %j', (query, text) => expect(matches(query, text)).toBe(false));
});
