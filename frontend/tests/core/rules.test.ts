import { describe, expect, it } from 'vitest';
import { RoomState } from '../../src/core/room';
import { Rules } from '../../src/core/rules';
import type { Entry, EntryKind, Room } from '../../src/protocol';

const snapshot = (more: Partial<Room> = {}): Room => ({
  room_id: 'room1',
  name: 'ping',
  host_id: 'bob',
  member_count: 4,
  last_seq: 100,
  epoch: 'e1',
  ...more,
});
const notice = (seq: number, kind: EntryKind, more: Partial<Entry> = {}): Entry => ({
  seq,
  user_id: 'bob',
  at: seq * 1000,
  kind,
  ...more,
});
const rulesOf = (room: RoomState, me = 'ann') => new Rules(room, me);
const seen = (room: RoomState, rules = rulesOf(room)) => ({
  host: rules.hostId,
  managers: rules.managerIds,
  slowMs: rules.slowMs,
  isLocked: rules.isLocked,
  pinned: rules.pinned,
});

describe('the rules of a room', () => {
  it('are what its notices say, in the order of the log', () => {
    const room = new RoomState(snapshot(), 'ann');
    room.push([
      notice(101, 'role_changed', { about: 'cho', text: 'manager' }),
      notice(102, 'slowed', { text: '30' }),
      notice(103, 'locked'),
      notice(104, 'pinned', { user_id: 'cho', reply_to: 7 }),
      notice(105, 'silenced', { about: 'ann', text: '60' }),
      notice(106, 'silenced', { about: 'dan', text: '600' }),
    ]);
    expect(seen(room)).toEqual({
      host: 'bob',
      managers: ['cho'],
      slowMs: 30_000,
      isLocked: true,
      pinned: { seq: 7, user_id: 'cho' },
    });
    expect(rulesOf(room).silencedUntil).toBe(105_000 + 60_000);
    room.push([
      notice(107, 'role_changed', { about: 'cho', text: 'member' }),
      notice(108, 'slowed', { text: '0' }),
      notice(109, 'unlocked'),
      notice(110, 'unpinned'),
      notice(111, 'silenced', { about: 'ann', text: '0' }),
    ]);
    expect(seen(room)).toEqual({
      host: 'bob',
      managers: [],
      slowMs: 0,
      isLocked: false,
      pinned: undefined,
    });
    expect(rulesOf(room).silencedUntil).toBe(0);
  });

  it('are not those of a snapshot from before a notice that is known', () => {
    const room = new RoomState(snapshot(), 'ann');
    room.push([notice(101, 'locked'), notice(102, 'slowed', { text: '5' })]);
    // Its last_seq counts a place whose notice was not written yet.
    room.refresh(snapshot({ last_seq: 102, rules_seq: 101, locked: true }));
    expect([rulesOf(room).isLocked, rulesOf(room).slowMs]).toEqual([true, 5000]);
    room.refresh(snapshot({ last_seq: 103, rules_seq: 103 }));
    expect([rulesOf(room).isLocked, rulesOf(room).slowMs]).toEqual([false, 0]);
  });

  it('are not those of a notice from before the snapshot', () => {
    const room = new RoomState(snapshot({ rules_seq: 101, host_id: 'cho' }), 'ann');
    room.push([notice(101, 'locked')]);
    expect([rulesOf(room).isLocked, room.hostId]).toEqual([false, 'cho']);
  });

  it('make who becomes the host, or goes, no manager any more', () => {
    const room = new RoomState(snapshot({ manager_ids: ['cho', 'dan', 'eve'] }), 'ann');
    room.push([
      notice(101, 'host_changed', { user_id: 'cho' }),
      notice(102, 'left', { user_id: 'dan' }),
      notice(103, 'kicked', { user_id: 'cho', about: 'eve' }),
    ]);
    expect([room.hostId, rulesOf(room).managerIds, room.memberCount]).toEqual(['cho', [], 2]);
  });

  it('count who is kicked, and not who is banned from outside', () => {
    const room = new RoomState(snapshot(), 'ann');
    room.push([
      notice(101, 'kicked', { about: 'cho', text: 'banned' }),
      notice(102, 'banned', { about: 'zoe' }),
    ]);
    expect(room.memberCount).toBe(3);
  });
});

describe('what one may', () => {
  const as = (me: string) =>
    rulesOf(new RoomState(snapshot({ manager_ids: ['cho', 'dan'] }), me), me);

  it.each([
    ['bob', true, ['ann', 'cho', 'dan']],
    ['cho', true, ['ann']],
    ['ann', false, []],
  ])('as %s', (me, mayModerate, below) => {
    const rules = as(me);
    expect(rules.mayModerate).toBe(mayModerate);
    expect(['ann', 'bob', 'cho', 'dan'].filter((userId) => rules.isAbove(userId))).toEqual(below);
  });
});
