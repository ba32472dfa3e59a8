import { describe, expect, it } from 'vitest';
import type { Outgoing } from '../../src/core/outgoing';
import type { Entry, EntryKind } from '../../src/protocol';
import { endsGroup, Rows, withDivider, withHidden, type ChatRow, type Row } from '../../src/ui/chat/rows';
import { initialOf, lengthOf, tintOf } from '../../src/ui/rows';

const NOON = new Date(2026, 2, 14, 12, 0, 0).getTime();
let seq = 0;
const chat = (user_id: string, seconds: number, more: Partial<Entry> = {}): Entry => ({
  seq: ++seq,
  user_id,
  at: NOON + seconds * 1000,
  text: 'hello',
  ...more,
});
const rowsOf = (entries: Entry[], outgoing: Outgoing[], me: string) =>
  new Rows(me).of(entries, outgoing);
const shape = (rows: Row[]) =>
  rows.map((row, i) =>
    row.type === 'chat'
      ? `${row.isFirst ? '[' : ''}${row.userId}${endsGroup(rows, i) ? ']' : ''}`
      : row.type,
  );

describe('rowsOf', () => {
  it('groups chats of one sender within one minute', () => {
    const rows = rowsOf(
      [chat('ann', 0), chat('ann', 20), chat('ann', 59), chat('ann', 61), chat('bob', 62)],
      [],
      'me',
    );
    expect(shape(rows)).toEqual(['day', '[ann', 'ann', 'ann]', '[ann]', '[bob]']);
  });

  it('lets a notice end a group', () => {
    const rows = rowsOf(
      [chat('ann', 0), chat('bob', 1, { kind: 'joined' }), chat('ann', 2)],
      [],
      'me',
    );
    expect(shape(rows)).toEqual(['day', '[ann]', 'notice', '[ann]']);
  });

  it('separates days by the calendar, not by 24 hours', () => {
    const rows = rowsOf([chat('ann', 0), chat('ann', 11.9 * 3600), chat('ann', 12.1 * 3600)], [], 'me');
    expect(shape(rows)).toEqual(['day', '[ann]', '[ann]', 'day', '[ann]']);
  });

  it('never shows what was never written', () => {
    const rows = rowsOf([chat('ann', 0), chat('bob', 1, { kind: 'void' }), chat('ann', 2)], [], 'me');
    expect(shape(rows)).toEqual(['day', '[ann', 'ann]']);
  });

  it('never shows changes, only what they have changed', () => {
    const edited = chat('ann', 0, { version: 1, edited_at: NOON });
    const deleted = chat('ann', 1, { version: 3, edited_at: NOON, deleted: true, text: '' });
    const reactions = { '👍': ['ann', 'bob'], '🏓': [], '👨‍👩‍👧': ['cho'] };
    const liked = chat('ann', 2, { version: 2, reactions });
    const change = chat('bob', 3, { kind: 'changed', changed: edited });
    const rows = rowsOf([edited, deleted, liked, change, chat('ann', 4)], [], 'me');
    expect(shape(rows)).toEqual(['day', '[ann', 'ann', 'ann', 'ann]']);
    const marks = rows.flatMap((row) =>
      row.type === 'chat' ? [[row.isEdited, row.isDeleted, row.reactions]] : [],
    );
    expect(marks).toEqual([
      [true, false, ''],
      [false, true, ''],
      [false, false, '👍 ann,bob 👨‍👩‍👧 cho'],
      [false, false, ''],
    ]);
  });

  it('ends with what is on its way, under the key that it will keep', () => {
    const item: Outgoing = {
      cid: 'c1',
      roomId: 'r',
      text: 'hi',
      typedAt: NOON - 3_600_000,
      replyTo: 0,
      state: 'sending',
      isKept: true,
      failed: undefined,
    };
    const before = rowsOf([chat('ann', 0)], [item], 'me').at(-1) as ChatRow;
    expect([before.state, before.isOwn, before.seq]).toEqual(['sending', true, undefined]);
    const after = rowsOf([chat('ann', 0), chat('me', 1, { cid: 'c1' })], [], 'me').at(-1) as ChatRow;
    expect(after.key).toBe(before.key);
    expect(after.state).toBe('sent');
  });

  it('gives every row a key of its own', () => {
    const rows = rowsOf(
      [chat('ann', 0), chat('ann', 90_000), chat('me', 0, { cid: 'x' }), chat('bob', 90_001)],
      [],
      'me',
    );
    expect(new Set(rows.map((row) => row.key)).size).toBe(rows.length);
  });
});

describe('rows of a log that grows', () => {
  it('are the same objects where nothing has changed, and the right ones where something has', () => {
    let random = 1;
    const next = (below: number) => (random = (random * 48_271) % 2_147_483_647) % below;
    const all = Array.from({ length: 400 }, (_, i): Entry => {
      const kinds = ['joined', 'void', 'changed'] as const;
      const kind = next(5) ? {} : { kind: kinds[next(3)] as EntryKind };
      return { seq: i + 1, user_id: 'abc'[next(3)] ?? '', at: NOON + i * 700_000, text: 'x', ...kind };
    });
    let [first, last] = [300, 301];
    const rows = new Rows('a');
    let before: Row[] = [];
    for (let step = 0; step < 60; step++) {
      if (next(2)) last = Math.min(all.length, last + next(9));
      else first = Math.max(0, first - next(20));
      const changed = first + next(last - first);
      if (!next(3)) all[changed] = { ...(all[changed] as Entry), text: `edited ${step}` };
      const entries = all.slice(first, last);
      const now = rows.of(entries);
      expect(now).toEqual(new Rows('a').of(entries));
      before = now;
    }
    const same = rows.of(all.slice(first, last));
    expect(same.every((row, i) => row === before[i])).toBe(true);
  });

  it('begin no day twice when older ones come before those that are kept', () => {
    // Long enough for several blocks, each of which is a day of its own or not.
    const all = Array.from({ length: 300 }, (_, i) => chat('ann', i, { seq: i + 1 }));
    const rows = new Rows('me');
    for (let first = 299; first >= 0; first--) {
      const shown = rows.of(all.slice(first)).filter((row) => row.type === 'day');
      expect(shown).toHaveLength(1);
    }
  });

  it('show what is pending, and no longer when it is not', () => {
    const entries = [chat('me', 0), chat('me', 1)];
    const rows = new Rows('me');
    const texts = (pending = new Map()) =>
      rows.of(entries, [], pending).flatMap((row) => (row.type === 'chat' ? row.text : []));
    const edit = { changes: [{ type: 'edit', text: 'new' }], failed: undefined };
    expect(texts(new Map([[entries[1]?.seq, edit]]))).toEqual(['hello', 'new']);
    expect(texts()).toEqual(['hello', 'hello']);
  });
});

describe('the line before what was not read', () => {
  it('stands before the first chat of others, which begins a group there', () => {
    const entries = [chat('ann', 0), chat('me', 1), chat('ann', 2), chat('ann', 3)];
    const at = (seq: number) => shape(withDivider(rowsOf(entries, [], 'me'), seq));
    const [first = 0, own = 0, third = 0, last = 0] = entries.map((entry) => entry.seq);
    expect(at(first)).toEqual(['day', '[ann]', '[me]', 'divider', '[ann', 'ann]']);
    expect(at(own)).toEqual(at(first));
    expect(at(third)).toEqual(['day', '[ann]', '[me]', '[ann]', 'divider', '[ann]']);
    expect(at(last)).toEqual(['day', '[ann]', '[me]', '[ann', 'ann]']);
  });
});

describe('names and lengths', () => {
  it('counts letters as people do, not as UTF-16 does', () => {
    expect(lengthOf('탁구🏓')).toBe(3);
  });

  it('takes a whole letter as the initial', () => {
    const names = ['민수', 'jess', '🏓공', ' ', '👨‍👩‍👧‍👦네', '👋🏽', '🇰🇷🇯🇵', 'é', `z${'\u0310'.repeat(19)}`];
    const initials = ['민', 'J', '🏓', '?', '👨‍👩‍👧‍👦', '👋🏽', '🇰🇷', 'É', 'Z\u0310\u0310\u0310'];
    expect(names.map(initialOf)).toEqual(initials);
  });

  it('gives a person the same colour always', () => {
    expect(tintOf('ann')).toBe(tintOf('ann'));
    expect(tintOf('ann')).toBeLessThan(8);
  });
});

describe('chats of people whom one has blocked', () => {
  const seqsOf = (opened: number[] = []) => {
    seq = 0;
    const entries = ['ann', 'bob', 'bob', 'me', 'bob'].map((userId, i) => chat(userId, i));
    const rows = withHidden(rowsOf(entries, [], 'me'), (id) => id === 'bob', new Set(opened));
    return rows.flatMap((row): unknown[] => {
      if (row.type === 'hidden') return [row.seqs];
      return row.type === 'chat' ? [row.seq] : [];
    });
  };

  it('are one line, where they follow each other', () => {
    expect(seqsOf()).toEqual([1, [2, 3], 4, [5]]);
  });

  it('are seen when one asks for it, and only those', () => {
    expect(seqsOf([2, 3])).toEqual([1, 2, 3, 4, [5]]);
  });
});
