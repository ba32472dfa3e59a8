import { beforeEach, describe, expect, it } from 'vitest';
import { Log } from '../../src/core/log';
import type { RoomState } from '../../src/core/room';
import type { Session } from '../../src/core/session';
import { UnreadCount } from '../../src/core/unread';
import type { Entry, EntryKind } from '../../src/protocol';
import { seeded } from './fakes';
import { Scene } from './scene';

const entry = (seq: number, user_id = 'bob', kind: EntryKind = 'chat'): Entry => ({
  seq,
  user_id,
  at: seq * 1000,
  ...(kind === 'chat' ? {} : { kind }),
});

describe('UnreadCount', () => {
  it('counts on from what the server says, without the log', () => {
    const log = new Log(100);
    const count = new UnreadCount({ readSeq: 10, unread: 42, lastSeq: 100 }, 'ann');
    const news = [entry(101), entry(102, 'cho', 'joined'), entry(103, '', 'void'), entry(104)];
    for (const each of log.push(news)) count.appended(each, log);
    expect([count.value(log), count.isKnown(log)]).toEqual([44, true]);
  });

  it('counts nothing twice that the server has counted already', () => {
    const log = new Log(98);
    const count = new UnreadCount({ readSeq: 10, unread: 42, lastSeq: 100 }, 'ann');
    for (const each of log.push([entry(99), entry(100), entry(101)])) count.appended(each, log);
    expect(count.value(log)).toBe(43);
  });

  it('counts from the log where that is held, whatever the server said', () => {
    const log = Log.of([entry(5), entry(6, 'cho', 'left'), entry(7)], true);
    const count = new UnreadCount({ readSeq: 4, unread: 99, lastSeq: 7 }, 'ann');
    expect(count.value(log)).toBe(2);
    count.markRead(5, log);
    expect(count.value(log)).toBe(1);
  });

  it('waits for what the server has counted and the log does not show yet', () => {
    const log = Log.of([entry(5), entry(6, 'cho', 'left'), entry(7), entry(8)], true);
    const count = new UnreadCount({ readSeq: 4, unread: 6, lastSeq: 12 }, 'ann');
    expect(count.value(log)).toBe(6);
    count.markRead(7, log);
    expect([count.value(log), count.isKnown(log)]).toEqual([4, true]);
    const rest = [entry(9), entry(10), entry(11, '', 'void'), entry(12)];
    for (const each of log.push(rest)) count.appended(each, log);
    expect(count.value(log)).toBe(4);
  });

  it('is not misled by an answer that is older than what was pushed', () => {
    const log = new Log(100);
    const count = new UnreadCount({ readSeq: 10, unread: 42, lastSeq: 100 }, 'ann');
    for (const each of log.push([entry(101), entry(102), entry(103)])) count.appended(each, log);
    log.trim(1);
    count.take({ readSeq: 10, unread: 42, lastSeq: 100 }, log);
    expect([count.value(log), count.isKnown(log)]).toEqual([45, true]);
    count.take({ readSeq: 5, unread: 47, lastSeq: 100 }, log);
    expect([count.value(log), count.isKnown(log)]).toEqual([45, true]);
  });

  it('reads everything before one’s own words', () => {
    const log = new Log(100);
    const count = new UnreadCount({ readSeq: 10, unread: 42, lastSeq: 100 }, 'ann');
    const news = [entry(101), entry(102, 'ann'), entry(103)];
    for (const each of log.push(news)) count.appended(each, log);
    expect([count.value(log), count.readSeq]).toEqual([1, 102]);
  });

  it('knows that it does not know, until the server says it', () => {
    const log = new Log(100);
    const count = new UnreadCount({ readSeq: 10, unread: 42, lastSeq: 100 }, 'ann');
    count.markRead(80, log);
    expect([count.value(log), count.isKnown(log)]).toEqual([20, false]);
    for (const each of log.push([entry(101)])) count.appended(each, log);
    expect(count.value(log)).toBe(21);
    // The answer was on its way when 101 came.
    count.take({ readSeq: 80, unread: 7, lastSeq: 100 }, log);
    expect([count.value(log), count.isKnown(log)]).toEqual([8, true]);
  });

  it('does not know after its log has jumped ahead with an older read position', () => {
    const count = new UnreadCount({ readSeq: 10, unread: 42, lastSeq: 100 }, 'ann');
    count.markRead(100, new Log(100));
    const log = new Log(150);
    count.take({ readSeq: 90, unread: 30, lastSeq: 150 }, log);
    expect([count.value(log), count.isKnown(log)]).toEqual([30, false]);
    count.take({ readSeq: 100, unread: 25, lastSeq: 150 }, log);
    expect([count.value(log), count.isKnown(log)]).toEqual([25, true]);
  });

  it('does not take an older count for a newer read position', () => {
    const log = Log.of([entry(5), entry(6), entry(7)], true);
    const count = new UnreadCount({ readSeq: 7, unread: 0, lastSeq: 7 }, 'ann');
    count.take({ readSeq: 4, unread: 3, lastSeq: 7 }, log);
    expect([count.value(log), count.readSeq]).toEqual([0, 7]);
  });

  it.each(Array.from({ length: 30 }, (_, i) => i + 1))(
    'is what a fresh count is, or says that it is not known (seed %i)',
    (seed) => {
      const random = seeded(seed);
      const truth: Entry[] = [];
      let serverRead = 0;
      const unread = (readSeq: number, lastSeq: number) =>
        truth.filter((each) => {
          return each.seq > readSeq && each.seq <= lastSeq && !each.kind && each.user_id !== 'ann';
        }).length;
      const say = () => {
        const seq = truth.length + 1;
        const dice = random();
        if (dice < 0.2) truth.push(entry(seq, 'cho', 'joined'));
        else truth.push(entry(seq, dice < 0.3 ? 'ann' : 'bob'));
        if (truth.at(-1)?.user_id === 'ann') serverRead = seq;
      };
      for (let i = 0; i < 60; i++) say();
      const snapshot = () => {
        return { readSeq: serverRead, unread: unread(serverRead, truth.length), lastSeq: truth.length };
      };
      let log = new Log(truth.length);
      const count = new UnreadCount(snapshot(), 'ann');
      const replies = [snapshot()];
      let known = 0;
      for (let step = 0; step < 200; step++) {
        const dice = random();
        if (dice < 0.5) {
          say();
          if (random() < 0.8) {
            const news = truth.slice(log.last);
            for (const each of log.push(news)) count.appended(each, log);
          }
        } else if (dice < 0.6) {
          const seq = Math.ceil(random() * truth.length);
          serverRead = Math.max(serverRead, seq);
          count.markRead(seq, log);
        } else if (dice < 0.7) {
          log.trim(Math.floor(random() * 20));
        } else if (dice < 0.75) {
          log.precede(truth.slice(0, log.first - 1).slice(-10), true);
        } else if (dice < 0.8) {
          replies.push(snapshot());
        } else if (dice < 0.9) {
          // An answer may be late, but not later than the one before it.
          const reply = replies.shift();
          if (reply) count.take(reply, log);
        } else {
          if (random() < 0.5) log = new Log(truth.length);
          count.take(snapshot(), log);
          replies.length = 0;
        }
        const value = count.value(log);
        const isCurrent = log.last === truth.length;
        if (isCurrent && count.isKnown(log)) {
          known++;
          expect(value).toBe(unread(count.readSeq, truth.length));
        } else if (isCurrent) {
          expect(value).toBeGreaterThanOrEqual(unread(count.readSeq, truth.length));
        }
      }
      expect(known).toBeGreaterThan(50);
    },
  );
});

describe('unread chats', () => {
  let scene: Scene;
  const unread = (session: Session, roomId: string) => session.rooms.get(roomId)?.unread;
  beforeEach(() => {
    scene = new Scene();
  });

  it('are what the server says, then what is said', async () => {
    const room = scene.server.addRoom('ping', 'bob', ['ann']);
    for (let i = 0; i < 5; i++) scene.server.append(room, 'chat', 'bob', `${i}`);
    scene.server.append(room, 'left', 'cho');
    const ann = await scene.open('ann');
    expect(unread(ann, room.id)).toBe(5);
    scene.server.append(room, 'chat', 'bob', 'six');
    scene.server.append(room, 'joined', 'cho');
    await scene.elapse(100);
    expect(unread(ann, room.id)).toBe(6);
    expect(scene.sent('room.list')).toEqual([]);
  });

  it('are exact after any absence, also without the log', async () => {
    const room = scene.server.addRoom('ping', 'bob', ['ann']);
    const ann = await scene.open('ann');
    scene.server.cutAll();
    for (let i = 0; i < 500; i++) scene.server.append(room, i % 2 ? 'chat' : 'joined', 'bob', `${i}`);
    await scene.elapse(5_000);
    expect(unread(ann, room.id)).toBe(250);
    // Pushes that are lost are found by the pulse.
    scene.unheard(() => scene.server.append(room, 'chat', 'bob', 'lost'));
    await scene.elapse(5 * 60_000);
    expect(unread(ann, room.id)).toBe(251);
  });

  it('stay exact while more is said than is held', async () => {
    const room = scene.server.addRoom('ping', 'bob', ['ann']);
    const ann = await scene.openIn('ann', room.id);
    ann.show(null);
    for (let i = 0; i < 700; i++) scene.server.append(room, 'chat', 'bob', `${i}`);
    await scene.elapse(1_000);
    expect(ann.rooms.get(room.id)?.log.entries.length).toBeLessThan(700);
    expect(unread(ann, room.id)).toBe(700);
    expect(ann.rooms.get(room.id)?.isUnreadKnown).toBe(true);
  });

  it('are gone in all tabs when something is said in one', async () => {
    const room = scene.server.addRoom('ping', 'bob', ['ann']);
    for (let i = 0; i < 5; i++) scene.server.append(room, 'chat', 'bob', `${i}`);
    const one = await scene.openIn('ann', room.id);
    const other = await scene.open('ann');
    expect([unread(one, room.id), unread(other, room.id)]).toEqual([5, 5]);
    one.send(room.id, 'hi');
    await scene.elapse(100);
    expect([unread(one, room.id), unread(other, room.id)]).toEqual([0, 0]);
    expect(scene.sent('room.read')).toEqual([]);
  });

  it('are asked for once when only the server can count them', async () => {
    const room = scene.server.addRoom('ping', 'bob', ['ann']);
    const pong = scene.server.addRoom('pong', 'bob', ['ann']);
    for (let i = 0; i < 30; i++) {
      scene.server.append(room, i % 3 ? 'chat' : 'joined', 'bob', `${i}`);
      scene.server.append(pong, i % 3 ? 'joined' : 'chat', 'bob', `${i}`);
    }
    const ann = await scene.open('ann');
    expect([unread(ann, room.id), unread(ann, pong.id)]).toEqual([20, 10]);
    // Another tab reads on, a bit at a time.
    for (const seq of [5, 9, 14]) {
      scene.server.markRead(room, 'ann', seq);
      scene.server.markRead(pong, 'ann', seq);
      await scene.elapse(50);
    }
    await scene.elapse(5_000);
    expect([unread(ann, room.id), unread(ann, pong.id)]).toEqual([
      scene.server.unreadOf(room, 'ann'),
      scene.server.unreadOf(pong, 'ann'),
    ]);
    expect(scene.sent('room.list').map((command) => command.room_ids)).toEqual([
      [room.id, pong.id],
    ]);
  });

  it('do not hold one’s own words, which the server was still writing when it was asked', async () => {
    const room = scene.server.addRoom('ping', 'bob', ['ann']);
    for (let i = 0; i < 5; i++) scene.server.append(room, 'chat', 'bob', `${i}`);
    // Their place is taken, but nothing before it is marked as read yet.
    const own: Entry = { seq: 8, user_id: 'ann', at: scene.world.clock.now(), text: 'mine' };
    room.log.push(own);
    scene.server.append(room, 'chat', 'bob', 'six');
    const ann = await scene.open('ann');
    expect(unread(ann, room.id)).toBe(7);
    scene.unheard(() => scene.server.markRead(room, 'ann', 8));
    const event = { room_id: room.id, entries: [own], users: {} };
    scene.server.sendTo('ann', { type: 'entries.added', ...event });
    await scene.elapse(1_000);
    expect(unread(ann, room.id)).toBe(1);
    expect(ann.rooms.get(room.id)?.isUnreadKnown).toBe(true);
    expect(scene.sent('room.list')).toHaveLength(1);
  });

  it('are known by the next pulse at the latest', async () => {
    const room = scene.server.addRoom('ping', 'bob', ['ann']);
    for (let i = 0; i < 30; i++) scene.server.append(room, i % 3 ? 'chat' : 'joined', 'bob', `${i}`);
    const ann = await scene.open('ann');
    scene.server.takes = (command) => command.type !== 'room.list' || 'internal';
    scene.server.markRead(room, 'ann', 9);
    await scene.elapse(5_000);
    expect(ann.rooms.get(room.id)?.isUnreadKnown).toBe(false);
    expect(unread(ann, room.id)).toBeGreaterThanOrEqual(scene.server.unreadOf(room, 'ann'));
    scene.server.markRead(room, 'ann', 12);
    await scene.elapse(5 * 60_000);
    expect(ann.rooms.get(room.id)?.isUnreadKnown).toBe(true);
    expect(unread(ann, room.id)).toBe(scene.server.unreadOf(room, 'ann'));
    const asked = scene.sent('room.list').map((command) => command.room_ids);
    expect(asked).toEqual([[room.id], [room.id]]);
  });

  it('are not asked for when all of them were read, or the log is held', async () => {
    const room = scene.server.addRoom('ping', 'bob', ['ann']);
    const pong = scene.server.addRoom('pong', 'bob', ['ann']);
    for (let i = 0; i < 9; i++) scene.server.append(room, 'chat', 'bob', `${i}`);
    for (let i = 0; i < 9; i++) scene.server.append(pong, 'chat', 'bob', `${i}`);
    const ann = await scene.openIn('ann', room.id);
    scene.server.markRead(room, 'ann', 7);
    scene.server.markRead(pong, 'ann', pong.log.length);
    await scene.elapse(5_000);
    expect([unread(ann, room.id), unread(ann, pong.id)]).toEqual([4, 0]);
    expect(scene.sent('room.list')).toEqual([]);
  });
});

describe('how far others have read', () => {
  it('counts again who has read what, after the connection was lost', async () => {
    const scene = new Scene();
    const stored = scene.server.addRoom('ping', 'ann', ['bob']);
    const ann = await scene.openIn('ann', stored.id);
    const { seq } = scene.server.append(stored, 'chat', 'ann', 'ping');
    ann.wantMembers(stored.id);
    await scene.elapse(100);
    const room = ann.rooms.get(stored.id) as RoomState;
    expect(room.unreadBy(seq)).toBe(1);
    scene.server.cutAll();
    scene.server.markRead(stored, 'bob', seq);
    await scene.elapse(5_000);
    ann.wantMembers(stored.id);
    await scene.elapse(100);
    expect(room.unreadBy(seq)).toBe(0);
  });

  it('shows the numbers beside chats anew when oneself has read them, here or elsewhere', async () => {
    const scene = new Scene();
    const stored = scene.server.addRoom('ping', 'bob', ['ann']);
    const ann = await scene.openIn('ann', stored.id);
    ann.wantMembers(stored.id);
    const { seq } = scene.server.append(stored, 'chat', 'bob', 'ping');
    await scene.elapse(2_000);
    const room = ann.rooms.get(stored.id) as RoomState;
    expect(room.unreadBy(seq)).toBe(1);
    scene.topics.length = 0;
    ann.look(stored.id);
    expect([room.unreadBy(seq), scene.topics]).toEqual([0, expect.arrayContaining([`room:${stored.id}`])]);

    const again = scene.server.append(stored, 'chat', 'bob', 'pong').seq;
    ann.look(null);
    await scene.elapse(2_000);
    scene.topics.length = 0;
    scene.server.markRead(stored, 'ann', again);
    await scene.elapse(100);
    expect(room.unreadBy(again)).toBe(0);
    expect(scene.topics).toContain(`room:${stored.id}`);
  });

  it('is known from their marks, their words and the list of members', async () => {
    const scene = new Scene();
    const room = scene.server.addRoom('ping', 'ann', ['bob', 'cho']);
    for (let i = 0; i < 10; i++) scene.server.append(room, 'chat', 'ann', `${i}`);
    scene.server.markRead(room, 'dan', 4);
    room.members.add('dan');
    scene.server.append(room, 'chat', 'cho', 'I read that');
    const ann = await scene.openIn('ann', room.id);
    const readers = () => Object.fromEntries(ann.rooms.get(room.id)?.readers ?? []);
    // Who comes in begins to read there.
    expect(readers()).toEqual({ bob: 2, cho: 14 });
    ann.wantMembers(room.id);
    await scene.elapse(100);
    expect(readers()).toEqual({ bob: 2, cho: 14, dan: 4 });
    scene.server.markRead(room, 'bob', 6);
    scene.server.append(room, 'chat', 'cho', 'me too');
    await scene.elapse(100);
    expect(readers()).toEqual({ bob: 6, cho: 15, dan: 4 });
    // Late and doubled events do not take it back.
    const late = { type: 'read.marked', room_id: room.id, user_id: 'cho', seq: 5 } as const;
    scene.server.sendTo('ann', late);
    scene.server.append(room, 'left', 'bob');
    await scene.elapse(100);
    expect(readers()).toEqual({ cho: 15, dan: 4 });
    expect(ann.rooms.get(room.id)?.readSeq).toBe(13);
  });
});
