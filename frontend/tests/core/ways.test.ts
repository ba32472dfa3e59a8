import { expect, it } from 'vitest';
import { RoomState } from '../../src/core/room';
import { wayInOf } from '../../src/core/ways';
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
const notice = (seq: number, kind: EntryKind, text: string): Entry => ({
  seq,
  user_id: 'bob',
  at: seq * 1000,
  kind,
  text,
});

it('is open to any number unless the server says otherwise', () => {
  expect(wayInOf(new RoomState(snapshot(), 'ann'))).toEqual({ access: 'open', capacity: 0 });
  const room = new RoomState(snapshot({ access: 'private', capacity: 8, rules_seq: 90 }), 'ann');
  expect(wayInOf(room)).toEqual({ access: 'private', capacity: 8 });
});

it('is what the latest notices say, each of its own', () => {
  const room = new RoomState(snapshot({ access: 'private', capacity: 8, rules_seq: 90 }), 'ann');
  room.push([notice(101, 'access_changed', 'passcode'), notice(102, 'capacity_changed', '0')]);
  expect(wayInOf(room)).toEqual({ access: 'passcode', capacity: 0 });
  room.push([notice(103, 'access_changed', 'open'), notice(104, 'slowed', '5')]);
  expect(wayInOf(room)).toEqual({ access: 'open', capacity: 0 });
});

it('is what a later snapshot says, not the notices before it', () => {
  const room = new RoomState(snapshot(), 'ann');
  room.push([notice(101, 'access_changed', 'private'), notice(102, 'capacity_changed', '5')]);
  room.refresh(snapshot({ last_seq: 104, rules_seq: 104, capacity: 9 }));
  expect(wayInOf(room)).toEqual({ access: 'open', capacity: 9 });
});
