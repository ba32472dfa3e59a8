import { describe, expect, it } from 'vitest';
import { Failure, type FailureCode } from '../../src/core/failure';
import { RoomState } from '../../src/core/room';
import { Search } from '../../src/core/search';
import type { MatchReply, Room } from '../../src/protocol';
import { FakeClock, settle } from './fakes';

const WISH = { languages: ['ko'], tags: ['music'] };

const pairRoom = (room_id: string): Room => ({
  room_id,
  name: '',
  host_id: '',
  member_count: 2,
  last_seq: 1,
  epoch: 'e1',
  partner_id: 'bob',
});

interface Asked {
  body: object;
  leave: string | null;
  answer(reply: Partial<MatchReply>): Promise<void>;
  refuse(code: FailureCode, retryAfterMs?: number): Promise<void>;
}

/** A search, and the server's side of it. */
function look({ leave = null, rooms = [] }: { leave?: string | null; rooms?: RoomState[] } = {}) {
  const clock = new FakeClock();
  const asked: Asked[] = [];
  const left: string[] = [];
  const here = { isOnline: true, found: undefined as Room | undefined, changes: 0 };
  const reply = (some: Partial<MatchReply>): MatchReply => ({ type: 'ok', ref: '1', ...some });
  const search = new Search(
    clock,
    {
      online: () => here.isOnline,
      seek: (body, room) =>
        new Promise((resolve, reject) => {
          asked.push({
            body,
            leave: room,
            answer: (some) => (resolve(reply(some)), settle()),
            refuse: (code, after = 0) => (reject(new Failure(code, '', '', after)), settle()),
          });
        }),
      cancel: async () => reply(here.found ? { room: here.found } : {}),
      leave: (roomId) => left.push(roomId),
      rooms: () => rooms,
      changed: () => here.changes++,
    },
    'cid1',
    WISH,
    leave,
  );
  const last = () => asked.at(-1) as Asked;
  return { clock, search, asked, last, left, here, rooms };
}

describe('looking for somebody to talk with', () => {
  it('asks again when the server says so, as one who goes on', async () => {
    const { clock, search, asked, last } = look({ leave: 'room0' });
    expect(last()).toMatchObject({ body: { cid: 'cid1', ...WISH }, leave: 'room0' });
    expect(last().body).not.toHaveProperty('again');
    await last().answer({ again_ms: 3_000 });
    await clock.elapse(2_999);
    expect(asked).toHaveLength(1);
    await clock.elapse(1);
    expect(last()).toMatchObject({ body: { cid: 'cid1', again: true }, leave: null });
    await last().answer({ room: pairRoom('room1') });
    expect(search.state).toEqual({ step: 'found', roomId: 'room1' });
    await clock.elapse(60_000);
    expect(asked).toHaveLength(2);
  });

  it('finds them by a push, too, but not in a room from before', async () => {
    const before = new RoomState(pairRoom('room0'), 'ann');
    const { search, last, rooms, left } = look({ rooms: [before] });
    search.wake();
    expect(search.state.step).toBe('seeking');
    rooms.push(new RoomState(pairRoom('room1'), 'ann'));
    search.wake();
    expect(search.state).toEqual({ step: 'found', roomId: 'room1' });
    // What the reply says then is no news.
    await last().answer({ room: pairRoom('room1') });
    expect(search.state).toEqual({ step: 'found', roomId: 'room1' });
    expect(left).toEqual([]);
  });

  it('is over when the server stops it', async () => {
    const { search, last } = look();
    await last().answer({});
    expect(search.state).toEqual({ step: 'over' });
  });

  it('tries again what got no answer, and at once over a new connection', async () => {
    const { clock, search, asked, last } = look();
    await last().refuse('timeout');
    await clock.elapse(2_000);
    expect(asked).toHaveLength(2);
    expect(last().body).not.toHaveProperty('again');
    await last().refuse('lost');
    search.reconnected();
    expect(asked).toHaveLength(3);
    await last().answer({ again_ms: 5_000 });
    await clock.elapse(2_000);
    expect(asked).toHaveLength(3);
    search.reconnected();
    expect(asked).toHaveLength(4);
  });

  it('waits for a connection', () => {
    const { search, asked, here } = look();
    here.isOnline = false;
    search.reconnected();
    expect(asked).toHaveLength(1);
  });

  it('says what keeps it from going on', async () => {
    const { search, last, here } = look();
    await last().refuse('too_fast', 30_000);
    expect(search.state).toEqual({ step: 'failed', code: 'too_fast' });
    expect(here.changes).toBe(1);
  });

  it.each(['the reply to that', 'the reply to what was asked before'])(
    'leaves who was found after one has given up, as %s says',
    async (which) => {
      const { clock, search, asked, last, left, here } = look();
      const isLate = which.includes('before');
      if (!isLate) here.found = pairRoom('room1');
      await search.cancel();
      if (isLate) await last().answer({ room: pairRoom('room1') });
      expect(search.state).toEqual({ step: 'over' });
      expect(left).toEqual(['room1']);
      await clock.elapse(60_000);
      expect(asked).toHaveLength(1);
    },
  );
});
