import { describe, expect, it } from 'vitest';
import previews from '../../../tests/unit/previews.json';
import { RoomState } from '../../src/core/room';
import type { Entry, EntryKind, Room } from '../../src/protocol';

const snapshot = (more: Partial<Room> = {}): Room => ({
  room_id: 'room1',
  name: 'ping',
  host_id: 'bob',
  member_count: 3,
  last_seq: 100,
  epoch: 'e1',
  read_seq: 10,
  unread: 42,
  ...more,
});
const entry = (seq: number, user_id = 'bob', kind: EntryKind = 'chat'): Entry => ({
  seq,
  user_id,
  at: seq * 1000,
  ...(kind === 'chat' ? { text: `${seq}` } : { kind }),
});

describe('a room that is only followed', () => {
  it('takes an answer that pushes have overtaken, and counts them on', () => {
    const room = new RoomState(snapshot(), 'ann');
    room.markRead(80);
    expect(room.isUnreadKnown).toBe(false);
    room.push([entry(101), entry(102, 'cho', 'joined'), entry(103, 'cho', 'host_changed')]);
    room.refresh(snapshot({ read_seq: 80, unread: 7, member_count: 5 }));
    expect([room.unread, room.isUnreadKnown]).toEqual([8, true]);
    expect([room.memberCount, room.hostId, room.log.last]).toEqual([6, 'cho', 103]);
  });

  it('keeps what it knows when an answer is older than what it holds', () => {
    const room = new RoomState(snapshot(), 'ann');
    room.push([entry(101, 'cho', 'joined')]);
    for (let seq = 102; seq <= 200; seq++) room.push([entry(seq)]);
    room.refresh(snapshot());
    expect([room.unread, room.memberCount, room.log.last]).toEqual([42 + 99, 4, 200]);
    expect(room.log.entries.length).toBeLessThan(99);
  });

  it('goes on from a newer answer', () => {
    const room = new RoomState(snapshot(), 'ann');
    room.push([entry(101)]);
    room.refresh(snapshot({ last_seq: 150, unread: 60, member_count: 9, host_id: 'cho' }));
    room.push([entry(151), entry(151), entry(150)]);
    expect([room.unread, room.memberCount, room.hostId]).toEqual([61, 9, 'cho']);
    expect([room.log.last, room.log.hasGap]).toEqual([151, false]);
  });
});

describe('a room that is entered', () => {
  it('has been read up to one’s own words, whatever the snapshot says', () => {
    const room = new RoomState(snapshot({ last_seq: 6, read_seq: 2, unread: 4 }), 'ann');
    const entries = [3, 4, 5, 6].map((seq) => entry(seq, seq === 5 ? 'ann' : 'bob'));
    const reply = { type: 'ok', ref: '1', users: {}, joined: false, has_before: true } as const;
    room.enter({ ...reply, room: snapshot(), entries });
    expect([room.unread, room.readSeq, room.preview?.text]).toEqual([1, 5, '6']);
    expect([...room.readers]).toEqual([['bob', 6]]);
  });
});

describe('a room that is given another name', () => {
  const renamed = (seq: number, text: string): Entry => ({ ...entry(seq, 'bob', 'renamed'), text });

  it('has the name of the last notice, whichever way it hears of it', () => {
    const room = new RoomState(snapshot(), 'ann');
    room.push([renamed(102, 'pong')]);
    expect(room.name).toBe('ping');
    room.push([entry(101)]);
    expect(room.name).toBe('pong');
    room.follow(102, [renamed(103, 'rally')]);
    expect(room.name).toBe('rally');
    room.refresh(snapshot({ last_seq: 110, name: 'serve', name_seq: 104 }));
    expect(room.name).toBe('serve');
  });

  it('keeps the name when a snapshot is from before the notice, though it counts its place', () => {
    const room = new RoomState(snapshot({ name: 'ping', name_seq: 90 }), 'ann');
    room.push([renamed(101, 'pong')]);
    room.refresh(snapshot({ last_seq: 101, name: 'ping', name_seq: 90 }));
    expect(room.name).toBe('pong');
  });

  it('learns it from the page that it is entered with, and not from older ones', () => {
    const room = new RoomState(snapshot({ name: 'ping', name_seq: 4, last_seq: 6 }), 'ann');
    const reply = { type: 'ok', ref: '1', users: {}, joined: false, has_before: false } as const;
    room.enter({ ...reply, room: snapshot(), entries: [renamed(3, 'old'), renamed(4, 'ping')] });
    expect(room.name).toBe('ping');
    room.enter({ ...reply, room: snapshot(), entries: [renamed(5, 'pong')] });
    expect(room.name).toBe('pong');
  });
});

describe('the preview of a room', () => {
  it.each(previews)('shows as much of a chat as the server does: %s', (text = '', expected = '') => {
    const room = new RoomState(snapshot(), 'me');
    room.push([{ ...entry(101), text }]);
    expect(room.preview?.text).toBe(expected);
  });
});

describe('how many have not read a chat', () => {
  const known = (...members: [userId: string, read: number | undefined][]) => {
    const room = new RoomState(snapshot({ member_count: members.length, read_seq: 95 }), 'ann');
    room.members.take(
      {
        type: 'ok',
        ref: '1',
        users: {},
        members: members.map(([user_id]) => ({ user_id, joined_at: 1 })),
      },
      true,
    );
    for (const [userId, read] of members) if (read) room.markReader(userId, read);
    return room;
  };

  it('falls as they read, say something, or leave', () => {
    const room = known(['ann', undefined], ['bob', 90], ['cho', 99]);
    expect([90, 95, 96, 99, 100].map((seq) => room.unreadBy(seq))).toEqual([0, 1, 2, 2, 3]);
    room.markReader('bob', 97);
    expect([97, 98].map((seq) => room.unreadBy(seq))).toEqual([1, 2]);
    room.push([entry(101, 'cho')]);
    expect(room.unreadBy(101)).toBe(2);
    room.push([entry(102, 'bob', 'left')]);
    expect(room.unreadBy(101)).toBe(1);
  });

  it('leaves out who came later', () => {
    const room = known(['ann', undefined], ['bob', 100]);
    room.push([entry(101), entry(102, 'dan', 'joined'), entry(103)]);
    room.markRead(103);
    expect([101, 103].map((seq) => room.unreadBy(seq))).toEqual([0, 1]);
  });

  it('is not said as long as it is not known of all, nor where reading is not told', () => {
    expect(known(['ann', undefined], ['bob', undefined]).unreadBy(100)).toBe(0);
    const many = Array.from({ length: 21 }, (_, i) => [`user${i}`, 1] as [string, number]);
    expect(known(...many).unreadBy(100)).toBe(0);
    const room = known(...many.slice(0, 20));
    expect(room.unreadBy(100)).toBe(20);
    room.members.after = 'more';
    expect(room.unreadBy(100)).toBe(0);
  });

  it('is asked for anew when so many have left that reading is told', () => {
    const room = known(...Array.from({ length: 21 }, (_, i) => [`user${i}`, 0] as [string, number]));
    room.push([entry(101, 'user3', 'left')]);
    expect(room.members.state).toBe('stale');
  });
});

describe('who may say nothing in a room', () => {
  const about = (seq: number, text: string): Entry => ({
    ...entry(seq, 'ann', 'silenced'),
    at: 1_000,
    about: 'bob',
    text,
  });

  it('is told by the list of its members, and then by its notices', () => {
    const room = new RoomState(snapshot({ member_count: 2 }), 'ann');
    const members = [
      { user_id: 'ann', joined_at: 1 },
      { user_id: 'bob', joined_at: 1, silenced_until: 5_000 },
    ];
    room.members.take({ type: 'ok', ref: '1', users: {}, members }, true);
    const isSilenced = (now: number) => room.members.isSilenced('bob', now);
    expect([4_999, 5_000].map(isSilenced)).toEqual([true, false]);
    room.push([about(101, '60')]);
    expect([60_999, 61_000].map(isSilenced)).toEqual([true, false]);
    room.push([about(102, '0')]);
    expect(isSilenced(1_001)).toBe(false);
    expect(room.members.isSilenced('ann', 1_001)).toBe(false);
  });
});
