import { describe, expect, it, vi } from 'vitest';

const users = new Map([['ann', { nickname: '지민' }], ['bob', { nickname: 'עברית' }]]);
const called = (userId: string) => users.get(userId)?.nickname;
vi.mock('../../src/ui/app', () => ({ session: () => ({ called }), watch: () => {} }));
const { piecesOf, plainText } = await import('../../src/ui/mentions');

describe('people in a chat', () => {
  it('are shown by name, and what only looks like them as it is', () => {
    expect(piecesOf('hi <@ann>아 <@zoe> <@>')).toEqual([
      { text: 'hi ' },
      { userId: 'ann', text: '@지민' },
      { text: '아 <@zoe> <@>' },
    ]);
    expect(plainText('hi <@ann>아 <@zoe> <@>')).toBe('hi @지민아 <@zoe> <@>');
  });

  it('who withdrew are called nobody', () => {
    expect(plainText('<@AAAABBBBCCCCDDDD>!')).toBe('@탈퇴한 사용자!');
  });

  it('stand beside links, and are no part of them', () => {
    expect(piecesOf('https://a.example/<@ann>https://b.example')).toEqual([
      { text: 'https://a.example/', href: 'https://a.example/' },
      { userId: 'ann', text: '@지민' },
      { text: 'https://b.example', href: 'https://b.example/' },
    ]);
  });

  it('turn no words around them', () => {
    expect(plainText('<@bob> (1)')).toBe('@\u2068עברית\u2069 (1)');
  });
});
