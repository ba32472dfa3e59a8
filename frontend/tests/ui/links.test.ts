import { describe, expect, it } from 'vitest';
import { CHAT_TEXT_MAX } from '../../src/protocol';
import { isEmojiOnly, linkify } from '../../src/ui/links';
import { seeded } from '../core/fakes';

/** The links in a text, as shown and where they lead when that is not the same. */
const links = (text: string) =>
  linkify(text).flatMap((piece) => {
    if (!piece.href) return [];
    return [piece.href === piece.text ? piece.text : `${piece.text} → ${piece.href}`];
  });

describe('linkify', () => {
  it.each([
    ['see https://example.com/a?b=c#d now', 'https://example.com/a?b=c#d'],
    ['HTTPS://Example.COM/A', 'HTTPS://Example.COM/A → https://example.com/A'],
    ['www.naver.com', 'www.naver.com → https://www.naver.com/'],
    ['http://example.com:8080/x', 'http://example.com:8080/x'],
    ['http://192.168.0.1/x', 'http://192.168.0.1/x'],
    // Korean straight after it
    ['https://example.com에서 봐요', 'https://example.com → https://example.com/'],
    ['https://example.com/a.html을 보세요', 'https://example.com/a.html'],
    ['https://example.com/?q=1입니다', 'https://example.com/?q=1'],
    ['https://example.com:8080에서', 'https://example.com:8080 → https://example.com:8080/'],
    ['www.naver.com이에요', 'www.naver.com → https://www.naver.com/'],
    ['링크https://example.com/a', ''],
    ['링크:https://example.com/a', 'https://example.com/a'],
    ['(https://example.com/a)를', 'https://example.com/a'],
    [
      'https://ko.wikipedia.org/wiki/탁구 참고',
      'https://ko.wikipedia.org/wiki/탁구 → https://ko.wikipedia.org/wiki/%ED%83%81%EA%B5%AC',
    ],
    // Punctuation and brackets
    ['Look: https://example.com/a.', 'https://example.com/a'],
    ['https://example.com/a?!…', 'https://example.com/a'],
    ['(https://example.com/a)', 'https://example.com/a'],
    ['[x](https://example.com/a).', 'https://example.com/a'],
    ['https://en.wikipedia.org/wiki/Serve_(tennis)', 'https://en.wikipedia.org/wiki/Serve_(tennis)'],
    ['(https://en.wikipedia.org/wiki/Serve_(tennis))', 'https://en.wikipedia.org/wiki/Serve_(tennis)'],
    ['“https://example.com/a”', 'https://example.com/a'],
    ['「https://example.com/a」', 'https://example.com/a'],
    ['<https://example.com/a>', 'https://example.com/a'],
    ['https://example.com/a, https://example.org/b', 'https://example.com/a https://example.org/b'],
    ['https://bank.example\\@evil.example', 'https://bank.example → https://bank.example/'],
    ['((https://example.com/a!).)!?', 'https://example.com/a'],
    ['https://example.com/a_(b)!)).', 'https://example.com/a_(b)'],
    ['https://example.com/[a](b))]', 'https://example.com/[a](b)'],
    // Hosts of other scripts
    ['http://한글.한국/가', 'http://한글.한국/가 → http://xn--bj0bj06e.xn--3e0b707e/%EA%B0%80'],
    ['https://аррӏе.com/x', 'https://xn--80ak6aa92e.com/x'],
    ['https://gооgle.com', 'https://xn--ggle-55da.com → https://xn--ggle-55da.com/'],
    ['https://ｅxample.com/x', 'https://example.com/x'],
    ['http://2130706433/x', 'http://127.0.0.1/x'],
    ['http://0x7f.1/x', 'http://127.0.0.1/x'],
  ])('%s', (text, expected) => {
    expect(links(text).join(' ')).toBe(expected);
  });

  it.each([
    'javascript:alert(1)',
    'JaVaScRiPt:alert(1)//https://',
    'data:text/html,<script>alert(1)</script>',
    'vbscript:x',
    'file:///etc/passwd',
    'ftp://example.com',
    'https://',
    'http://localhost/x',
    'https://bank.example@evil.example/x',
    'https://bank.example:pass@evil.example/x',
    'https://.com',
    'https://...',
    'https://exa mple',
    'user@www.example.com',
    'awww.example.com',
    'https:example.com',
    'http://[::1]:x/',
  ])('leaves %s alone', (text) => {
    expect(links(text)).toEqual([]);
    expect(linkify(text).map((piece) => piece.text).join('')).toBe(text);
  });

  it('ends an address at signs that turn or hide text', () => {
    const bad = ['\u202e', '\u2066', '\u200b', '\u200d', '\u2060', '\ufeff', '\u00ad', '\u0007'];
    for (const sign of bad) {
      expect(links(`https://example.com/a${sign}gpj.exe`)).toEqual(['https://example.com/a']);
      expect(links(`https://example${sign}.com/a`)).toEqual([]);
    }
  });

  it('keeps the text around it', () => {
    expect(linkify('a\nhttps://example.com/x.\nb')).toEqual([
      { text: 'a\n' },
      { text: 'https://example.com/x', href: 'https://example.com/x' },
      { text: '.\nb' },
    ]);
    expect(linkify('')).toEqual([]);
    expect(linkify('1 < 2 && <b>')).toEqual([{ text: '1 < 2 && <b>' }]);
  });

  describe('takes its time with the longest chat in proportion to its length', () => {
    const SIGNS = ['', '!', '.', ')', '(', ']', 'x', '1', ':', '-', '/', '#', '=', '&', '가', '한글', '\u0301', 'www.'];
    const START = ['https://a.bc/', 'https://a.', 'www.', 'https://'];

    it.each(START)('%s', (start) => {
      for (const first of SIGNS) {
        for (const between of ['', 'x', '가', '/']) {
          for (const last of SIGNS) {
            const times = Math.floor((CHAT_TEXT_MAX - 20) / (first.length + last.length || 1));
            expectQuick(start + first.repeat(times) + between + last.repeat(times));
          }
        }
      }
    }, 60_000);

    it('many addresses, and names of many scripts', () => {
      const letters = Array.from({ length: 3_900 }, (_, i) => String.fromCharCode(0xac00 + i)).join('');
      const texts = ['https://a.'.repeat(400), 'www.'.repeat(1_000), 'https://a.bc/!)'.repeat(266)];
      texts.push(`https://${letters}.com`, `https://${'가.'.repeat(1_900)}com`, 'https://a.bc/?가나'.repeat(250));
      texts.push('a@'.repeat(2_000), `https://${'a@'.repeat(1_990)}`, `${' '.repeat(3_900)}https://a.bc`);
      for (const text of texts) expectQuick(text);
    });

    it('emoji', () => {
      for (const part of ['👍🏽', '👩\u200d', '👩\u200d💻\u200d', '🇰🇷', '\ufe0f', '1️⃣', ' ', '\u{e0067}']) {
        for (const start of ['🏴', '👍', '']) {
          const text = start + part.repeat(Math.floor(CHAT_TEXT_MAX / part.length));
          expectQuick(text);
          expectQuick(`${text}x`);
        }
      }
    });

    /** Where the square of the length counts it is far more, and with its cube half a minute. */
    function expectQuick(text: string): void {
      const started = process.cpuUsage();
      linkify(text);
      isEmojiOnly(text);
      const microseconds = process.cpuUsage(started).user;
      if (microseconds > 500_000) throw new Error(`${microseconds} µs for ${text.slice(0, 40)}…`);
    }
  });

  const SHREDS = [
    'https://', 'http://', 'www.', 'javascript:', 'data:', '//', '@', '\\', ':', '.', '/', '?', '#', '&', '=', '%',
    '(', ')', '[', ']', '{', '}', '<', '>', '"', "'", '`', ' ', '\n', '\t', '\u202e', '\u2066', '\u200b', '\u0000',
    'com', 'kr', 'example', '한국', '에서', 'а', 'ӏ', '🏓', '👨‍👩‍👧', 'xn--', '127.0.0.1', '::1', '٣', '\ud83d', 'ﷺ', '。',
  ];

  it.each(Array.from({ length: 20 }, (_, i) => i + 1))('whatever comes (seed %i)', (seed) => {
    const random = seeded(seed);
    let found = 0;
    for (let i = 0; i < 1_500; i++) {
      const count = 1 + Math.floor(random() * 14);
      const text = Array.from(
        { length: count },
        () => SHREDS[Math.floor(random() * SHREDS.length)],
      ).join('');
      const pieces = linkify(text);
      for (const piece of pieces) {
        expect(piece.text).not.toBe('');
        if (!piece.href) continue;
        found++;
        const url = new URL(piece.href);
        expect(['http:', 'https:']).toContain(url.protocol);
        expect([url.username, url.password]).toEqual(['', '']);
        expect(piece.text).not.toMatch(/[\p{C}\s<>"'`\\]/u);
        // What is shown leads where it says: to the same host.
        const shown = new URL(/^http/i.test(piece.text) ? piece.text : `https://${piece.text}`);
        expect(shown.href).toBe(url.href);
        const host = /^(?:https?:\/\/)?([^/?#:]*)/i.exec(piece.text)?.[1] ?? '';
        expect(host).toMatch(/^(?:[\x21-\x7e]|[가-힣])+$/);
      }
      // Nothing is lost beside a link, and nothing is said twice.
      const isPlain = pieces.every((piece) => !piece.href);
      if (isPlain) expect(pieces.map((piece) => piece.text).join('')).toBe(text);
    }
    expect(found).toBeGreaterThan(20);
  });
});

describe('isEmojiOnly', () => {
  it.each(['🏓', '👍🏽', '❤️', '👨‍👩‍👧', '🇰🇷', '1️⃣', '🏴󠁧󠁢󠁳󠁣󠁴󠁿', '🏓 👍', '😀😀😀😀😀😀', '❤️‍🔥', '👩🏽‍💻', '🏳️‍🌈'])(
    '%s is',
    (text) => {
      expect(isEmojiOnly(text)).toBe(true);
    },
  );

  it.each(['', ' ', '1', '12', '#', '안녕 🏓', '🏓!', '™', '©', '😀😀😀😀😀😀😀', '🇰', '\u200d', '\ufe0f', 'ㅋㅋ', '🏓\u202ea'])(
    '%j is not',
    (text) => {
      expect(isEmojiOnly(text)).toBe(false);
    },
  );
});
