import { beforeEach, describe, expect, it } from 'vitest';
import { Failure } from '../../src/core/failure';
import { REPEAT_AFTER_MS } from '../../src/protocol';
import type { RoomState } from '../../src/core/room';
import type { Session } from '../../src/core/session';
import { Scene } from './scene';

/** Entries in the room: what it begins with (1 and 2), and chats. */
const LAST = 400;

describe('a part of the log that is far from its end', () => {
  let scene: Scene;
  let ann: Session;
  let roomId: string;
  let stored: ReturnType<Scene['server']['addRoom']>;
  const room = () => ann.rooms.get(roomId) as RoomState;
  const seqs = () => room().shown.entries.map((entry) => entry.seq);
  const range = () => [room().shown.first, room().shown.last];
  const jump = async (seq: number) => {
    const result = ann.jump(roomId, seq).catch((error: Failure) => error.code);
    await scene.elapse(100);
    return result;
  };

  beforeEach(async () => {
    scene = new Scene();
    stored = scene.server.addRoom('ping', 'ann', ['bob']);
    roomId = stored.id;
    while (stored.log.length < LAST) {
      scene.server.append(stored, 'chat', 'bob', `${stored.log.length + 1}`);
    }
    ann = await scene.openIn('ann', roomId);
  });

  it('is shown around what is jumped to, without gaps, while the end is kept', async () => {
    expect(await jump(100)).toBe(true);
    expect(range()).toEqual([76, 125]);
    expect(seqs()).toEqual(Array.from({ length: 50 }, (_, i) => 76 + i));
    expect([room().log.first, room().log.last]).toEqual([LAST - 49, LAST]);
    expect(room().at(100)?.text).toBe('100');
    expect(room().at(LAST)?.text).toBe(`${LAST}`);
    expect(room().at(200)).toBeUndefined();
  });

  it('needs no jump to what is held', async () => {
    expect(await jump(LAST - 3)).toBe(true);
    await jump(100);
    expect(await jump(90)).toBe(true);
    expect(scene.sent('chat.history')).toHaveLength(2);
    expect(room().past).not.toBeNull();
    // At the end of the log again, without asking anybody.
    expect(await jump(LAST - 3)).toBe(true);
    expect(room().past).toBeNull();
    expect(scene.sent('chat.history')).toHaveLength(2);
  });

  it('grows in both directions until it meets the end, and is one with it then', async () => {
    await jump(100);
    for (let page = 0; page < 2; page++) {
      void ann.loadBefore(roomId);
      void ann.loadBefore(roomId);
      await scene.elapse(100);
    }
    expect(range()).toEqual([1, 125]);
    expect(room().shown.hasBefore).toBe(false);
    for (let page = 0; room().past && page < 10; page++) {
      void ann.loadAfter(roomId);
      void ann.loadAfter(roomId);
      await scene.elapse(100);
    }
    expect(room().past).toBeNull();
    expect(seqs()).toEqual(Array.from({ length: LAST }, (_, i) => i + 1));
    expect(room().log.hasBefore).toBe(false);
    const asked = scene.sent('chat.history').length;
    await ann.loadAfter(roomId);
    await ann.loadBefore(roomId);
    expect(scene.sent('chat.history')).toHaveLength(asked);
  });

  it('is not what one comes back to from another room', async () => {
    const other = scene.server.addRoom('pong', 'ann', []).id;
    await jump(100);
    ann.show(other);
    ann.show(roomId);
    expect(room().shown).toBe(room().log);
    const jumping = jump(100);
    ann.show(other);
    expect(await jumping).toBe(false);
    expect(room().past).toBeNull();
  });

  it('is one with the end at once where they touch', async () => {
    const { first } = room().log;
    await jump(first - 26);
    expect(room().past).toBeNull();
    expect(range()).toEqual([first - 50, LAST]);
    expect(room().log.hasBefore).toBe(true);
  });

  it('is not one with the end when a single entry lies between them', async () => {
    const { first } = room().log;
    await jump(first - 27);
    expect(range()).toEqual([first - 51, first - 2]);
    expect(room().past).not.toBeNull();
  });

  it('follows what happens to its chats: pushed, or synced after the connection was lost', async () => {
    await jump(100);
    scene.server.change(stored, 'bob', 100, { text: 'edited', edited_at: 1 });
    await scene.elapse(100);
    expect(room().past?.at(100)?.text).toBe('edited');
    scene.unheard(() => {
      scene.server.change(stored, 'bob', 101, { deleted: true, text: '' });
    });
    scene.server.append(stored, 'chat', 'bob', 'new');
    await scene.elapse(2_000);
    expect(room().past?.at(101)).toMatchObject({ deleted: true, text: '' });
    scene.server.cutAll();
    scene.server.change(stored, 'bob', 102, { text: 'while away', edited_at: 1 });
    await scene.elapse(5_000);
    expect(ann.connection.state).toBe('online');
    expect(room().past?.at(102)?.text).toBe('while away');
    expect(range()).toEqual([76, 125]);
  });

  it('is up to date also when a change overtakes the page', async () => {
    scene.server.faults.delayMs = 2_000;
    const jumping = ann.jump(roomId, 100);
    await scene.elapse(2_100);
    scene.server.faults.delayMs = 1;
    // The page has been read by now, and is on its way.
    expect(scene.sent('chat.history')).toHaveLength(2);
    expect(room().past).toBeNull();
    scene.server.change(stored, 'bob', 100, { text: 'edited', edited_at: 1 });
    await scene.elapse(2_000);
    expect(await jumping).toBe(true);
    expect(room().past?.at(100)?.text).toBe('edited');
  });

  it('takes one’s own changes', async () => {
    await jump(100);
    void ann.changes.make(roomId, 100, { type: 'react', emoji: '👍', on: true });
    await scene.elapse(100);
    expect(room().past?.at(100)?.reactions).toEqual({ '👍': ['ann'] });
  });

  it('marks nothing as read; the end does when it is seen again', async () => {
    ann.look(roomId);
    await scene.elapse(2_000);
    await jump(100);
    scene.server.append(stored, 'chat', 'bob', 'new');
    await scene.elapse(2_000);
    ann.look(roomId);
    await scene.elapse(2_000);
    expect(room().unread).toBe(1);
    expect(scene.sent('room.read').at(-1)?.seq).toBe(LAST);
    ann.toNewest(roomId);
    ann.look(roomId);
    await scene.elapse(2_000);
    expect(room().unread).toBe(0);
    expect(scene.sent('room.read').at(-1)?.seq).toBe(LAST + 1);
    expect(range()).toEqual([LAST - 49, LAST + 1]);
  });

  it('makes way for what one says', async () => {
    await jump(100);
    ann.send(roomId, 'here');
    expect(room().past).toBeNull();
    await scene.elapse(100);
    expect(room().shown.entries.at(-1)?.text).toBe('here');
  });

  it('is where one wanted to go last, in whatever order the answers come', async () => {
    scene.server.faults.delayMs = 3_000;
    const results = [100, 200, 50].map((seq) => ann.jump(roomId, seq));
    await scene.elapse(7_000);
    expect(await Promise.all(results)).toEqual([false, false, true]);
    expect(room().past?.at(50)).toBeDefined();
    expect(room().past?.at(200)).toBeUndefined();
  });

  it('is not gone to when one has gone back meanwhile', async () => {
    scene.server.faults.delayMs = 3_000;
    const jumping = ann.jump(roomId, 100);
    ann.toNewest(roomId);
    await scene.elapse(7_000);
    expect(await jumping).toBe(false);
    expect(room().past).toBeNull();
  });

  it('takes no page of another part, and none twice', async () => {
    await jump(250);
    scene.server.faults.delayMs = 3_000;
    for (const seq of [100, 300]) {
      void ann.loadAfter(roomId);
      void ann.loadBefore(roomId);
      expect(room().paging).toEqual({ before: 'loading', after: 'loading' });
      scene.server.faults.delayMs = 1;
      expect(await jump(seq)).toBe(true);
      expect(room().paging).toEqual({ before: 'loading', after: 'loading' });
      await scene.elapse(7_000);
      expect(room().paging).toEqual({ before: '', after: '' });
      expect(range()).toEqual([seq - 24, seq + 25]);
      expect(seqs()).toEqual(Array.from({ length: 50 }, (_, i) => seq - 24 + i));
      expect(room().past?.hasGap).toBe(false);
      scene.server.faults.delayMs = 3_000;
    }
  });

  it.each([0, -1, LAST + 1, 1e9])('is nowhere for %i', async (seq) => {
    expect(await jump(seq)).toBe(false);
    expect(scene.sent('chat.history')).toHaveLength(0);
  });

  it('can be where nothing was said', async () => {
    const hole = scene.server.append(stored, 'void', '').seq;
    for (let i = 0; i < 400; i++) scene.server.append(stored, 'chat', 'bob', 'more');
    await scene.elapse(1_000);
    ann.abandon();
    ann = await scene.openIn('ann', roomId);
    expect(await jump(hole)).toBe(true);
    expect(room().at(hole)?.kind).toBe('void');
    expect(seqs()).toEqual(Array.from({ length: 50 }, (_, i) => hole - 24 + i));
  });

  it('is refused with the reason; nothing else is shown then', async () => {
    scene.server.takes = (command) => (command.type === 'chat.history' ? 'internal' : true);
    expect(await jump(100)).toBe('internal');
    expect(room().past).toBeNull();
    expect(range()).toEqual([LAST - 49, LAST]);
  });

  it('is refused silently when one has gone elsewhere meanwhile', async () => {
    const other = scene.server.addRoom('pong', 'ann');
    scene.server.takes = (command) => (command.type === 'chat.history' ? 'internal' : true);
    const jumping = ann.jump(roomId, 100);
    ann.show(other.id);
    await scene.elapse(100);
    expect(await jumping).toBe(false);
  });

  it('stays when a connection is lost, and pages that failed can be asked for again', async () => {
    await jump(100);
    scene.server.takes = (command) => command.type !== 'chat.history';
    void ann.loadAfter(roomId);
    await scene.elapse(10);
    expect(room().paging.after).toBe('loading');
    scene.server.cutAll();
    await scene.elapse(10);
    expect(room().paging.after).toBe('failed');
    scene.server.takes = () => true;
    await scene.elapse(REPEAT_AFTER_MS);
    expect(ann.connection.state).toBe('online');
    expect(room().paging.after).toBe('');
    void ann.loadAfter(roomId);
    await scene.elapse(100);
    expect(range()[0]).toBe(76);
    expect(range()[1]).toBeGreaterThan(125);
  });

  it('asks once for a page that has to be there and is empty', async () => {
    await jump(100);
    const request = ann.connection.request.bind(ann.connection);
    const empty = { type: 'ok', ref: '', entries: [], users: {}, has_before: true };
    let count = 0;
    ann.connection.request = (type, ...more) => {
      if (type !== 'chat.history') return request(type, ...more);
      count++;
      return Promise.resolve(empty as never);
    };
    await ann.loadAfter(roomId);
    // Who asks by themselves do so only while nothing has failed.
    expect([room().paging.after, count]).toEqual(['failed', 1]);
    ann.connection.request = request;
    void ann.loadAfter(roomId);
    await scene.elapse(100);
    expect([room().paging.after, room().past?.last]).toEqual(['', 175]);
  });

  it('says that a page failed, until it is asked for again', async () => {
    scene.server.takes = (command) => (command.type === 'chat.history' ? 'internal' : true);
    void ann.loadBefore(roomId);
    await scene.elapse(100);
    expect(room().paging.before).toBe('failed');
    expect(scene.topics).toContain(`room:${roomId}`);
    scene.server.takes = () => true;
    void ann.loadBefore(roomId);
    await scene.elapse(100);
    expect(room().paging.before).toBe('');
    expect(room().log.first).toBe(LAST - 99);
  });

  it('goes with the log that it is of', async () => {
    await jump(100);
    stored.epoch = 'other';
    scene.server.cutAll();
    await scene.elapse(5_000);
    expect(room().epoch).toBe('other');
    expect(room().past).toBeNull();
    expect(range()).toEqual([LAST - 49, LAST]);
  });

  it('is not put into another log that came meanwhile', async () => {
    scene.server.faults.delayMs = 3_000;
    const jumping = ann.jump(roomId, 100).catch((error: Failure) => error.code);
    await scene.elapse(10);
    scene.server.faults.delayMs = 1;
    stored.epoch = 'other';
    scene.server.sendTo('ann', {
      type: 'room.joined',
      room: { ...joined(), epoch: 'other' },
      users: {},
    });
    await scene.elapse(7_000);
    expect(await jumping).toBe(false);
    expect(room().past).toBeNull();
  });

  it('goes with its room', async () => {
    await jump(100);
    scene.server.faults.delayMs = 3_000;
    const jumping = ann.jump(roomId, 250).catch((error: Failure) => error.code);
    const paging = ann.loadBefore(roomId);
    await scene.elapse(10);
    scene.server.close(roomId);
    await scene.elapse(10_000);
    expect(['room_not_found', false]).toContain(await jumping);
    await paging;
    expect(ann.rooms.size).toBe(0);
    expect(await jump(100)).toBe(false);
  });

  function joined() {
    const { id, epoch, name, hostId } = room();
    return { room_id: id, epoch, name, host_id: hostId, member_count: 2, last_seq: LAST };
  }
});
