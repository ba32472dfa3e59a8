import { beforeEach, describe, expect, it } from 'vitest';
import { Directory, FRESH_MS, TYPING_MS, type Query } from '../../src/core/directory';
import { Failure } from '../../src/core/failure';
import type { DirectoryReply, ListedRoom } from '../../src/protocol';
import { FakeClock, settle } from './fakes';

interface Asked {
  query: Query;
  after: string | undefined;
  answer(ids: string[], after?: string): Promise<void>;
  fail(code: Failure['code']): Promise<void>;
}

let clock: FakeClock;
let asked: Asked[];
let list: Directory;

const room = (id: string): ListedRoom => ({ room_id: id, name: id, member_count: 1, created_at: 1 });
const shown = () => list.rooms.map((each) => each.room_id).join('');
const last = () => asked.at(-1) as Asked;
const LISTS: Query = { order: 'active', topic: null, text: '' };

beforeEach(() => {
  clock = new FakeClock();
  asked = [];
  list = new Directory(clock, {
    ask: (query, after) =>
      new Promise<DirectoryReply>((resolve, reject) => {
        asked.push({
          query,
          after,
          async answer(ids, next) {
            const more = next ? { after: next } : {};
            resolve({ type: 'ok', ref: '', rooms: ids.map(room), ...more });
            await settle();
          },
          async fail(code) {
            reject(new Failure(code));
            await settle();
          },
        });
      }),
    now: () => clock.now(),
    changed: () => {},
  });
});

describe('a list of the directory', () => {
  it('is asked for at once, and its pages one at a time', async () => {
    list.show(LISTS);
    expect([list.state, asked.length]).toEqual(['loading', 1]);
    await last().answer(['a', 'b'], 'x');
    expect([list.state, list.more, shown()]).toEqual(['ready', 'there', 'ab']);
    void list.next();
    void list.next();
    expect([asked.length, last().after, list.more]).toEqual([2, 'x', 'loading']);
    await last().answer(['c']);
    expect([list.more, shown()]).toEqual(['none', 'abc']);
    await list.next();
    expect(asked.length).toBe(2);
  });

  it('shows a room once that has moved from page to page', async () => {
    list.show(LISTS);
    await last().answer(['a', 'b'], 'x');
    void list.next();
    await last().answer(['b', 'c'], 'y');
    expect(shown()).toBe('abc');
  });

  it('asks on by itself where a page has nothing to show', async () => {
    list.show(LISTS);
    await last().answer([], 'x');
    expect([asked.length, last().after]).toEqual([2, 'x']);
    await last().answer(['a'], 'y');
    expect([shown(), list.more, asked.length]).toEqual(['a', 'there', 2]);
  });

  it('takes no answer to what was asked before', async () => {
    list.show(LISTS);
    const first = last();
    list.show({ ...LISTS, topic: 'games' });
    const second = last();
    await second.answer(['g'], 'x');
    await first.answer(['a']);
    expect([shown(), list.more]).toEqual(['g', 'there']);
    void list.next();
    const page = last();
    list.show({ ...LISTS, order: 'new' });
    await page.answer(['h']);
    expect(shown()).toBe('g');
    await last().fail('timeout');
    await first.fail('timeout');
    expect([list.state, list.code, shown()]).toEqual(['failed', 'timeout', '']);
  });

  it('is asked for again when it failed, and so is a page', async () => {
    list.show(LISTS);
    await last().fail('lost');
    expect([list.state, list.code]).toEqual(['failed', 'lost']);
    list.retry();
    expect(list.state).toBe('loading');
    await last().answer(['a'], 'x');
    void list.next();
    await last().fail('internal');
    expect([list.state, list.more, shown()]).toEqual(['ready', 'failed', 'a']);
    list.retry();
    expect([last().after, list.more]).toEqual(['x', 'loading']);
    await last().answer(['b']);
    expect(shown()).toBe('ab');
  });

  it('is what it was for who comes back soon, and asked for anew later', async () => {
    list.show(LISTS);
    await last().answer(['a']);
    list.show(LISTS);
    expect(asked.length).toBe(1);
    await clock.elapse(FRESH_MS);
    list.show(LISTS);
    expect([asked.length, shown(), list.state]).toEqual([2, 'a', 'loading']);
    await last().answer(['b']);
    expect(shown()).toBe('b');
  });
});

describe('what is typed', () => {
  it('is asked for after a pause, as it is then', async () => {
    list.show(LISTS);
    await last().answer(['a']);
    for (const text of ['ㅅ', '서', '성', '서우', '서울']) {
      list.show({ ...LISTS, text });
      await clock.elapse(TYPING_MS - 1);
    }
    // What was there stays in sight meanwhile.
    expect([asked.length, list.state, shown()]).toEqual([1, 'loading', 'a']);
    await clock.elapse(1);
    expect([asked.length, last().query.text]).toEqual([2, '서울']);
    await last().answer(['s']);
    expect([list.state, shown()]).toEqual(['ready', 's']);
  });

  it('that is taken away again shows the list at once', async () => {
    list.show({ ...LISTS, text: '서' });
    list.show(LISTS);
    expect([asked.length, last().query.text]).toEqual([1, '']);
    await clock.elapse(TYPING_MS);
    expect(asked.length).toBe(1);
  });

  it('and was answered late does not replace what was typed after it', async () => {
    list.show({ ...LISTS, text: '서' });
    await clock.elapse(TYPING_MS);
    const first = last();
    list.show({ ...LISTS, text: '서울' });
    await first.answer(['x'], 'more');
    expect([list.state, shown()]).toEqual(['loading', '']);
    await clock.elapse(TYPING_MS);
    await last().answer(['s']);
    expect(shown()).toBe('s');
  });
});
