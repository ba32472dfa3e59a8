import { beforeEach, describe, expect, it } from 'vitest';
import { Failure } from '../../src/core/failure';
import { Log } from '../../src/core/log';
import type { Session } from '../../src/core/session';
import type { Entry } from '../../src/protocol';
import { seeded } from './fakes';
import { Scene } from './scene';

const chat = (seq: number, version = 0): Entry => ({
  seq,
  user_id: 'ann',
  at: seq * 1000,
  text: `chat ${seq} v${version}`,
  ...(version ? { version } : {}),
});
const change = (seq: number, changed?: Entry): Entry => ({
  seq,
  user_id: 'ann',
  at: seq * 1000,
  kind: 'changed',
  ...(changed ? { changed } : {}),
});
const versions = (log: Log) =>
  log.entries.filter((each) => !each.kind).map((each) => each.version ?? 0);

describe('a log', () => {
  it('replaces a chat by the state that a change brings', () => {
    const log = Log.of([chat(1), chat(2)], false);
    log.push([change(3, chat(1, 1))]);
    expect(log.entries.map((each) => each.text)).toEqual(['chat 1 v1', 'chat 2 v0', undefined]);
    expect(log.last).toBe(3);
  });

  it('never goes back to a lower version, however it comes', () => {
    const log = Log.of([chat(1, 3), chat(2)], false);
    log.push([change(3, chat(1, 2)), change(4, chat(1, 1)), chat(1)]);
    log.follow(0, [chat(1, 2), chat(2), change(3, chat(1, 1))]);
    log.precede([chat(1)], false);
    expect(versions(log)).toEqual([3, 0]);
  });

  it.each(['push', 'follow', 'precede'] as const)('takes a higher version from %s', (way) => {
    const log = Log.of([chat(1), chat(2)], false);
    if (way === 'push') log.push([chat(1, 1)]);
    if (way === 'follow') log.follow(0, [chat(1, 1), chat(2)]);
    if (way === 'precede') log.precede([chat(1, 1)], false);
    expect(versions(log)).toEqual([1, 0]);
    expect([log.first, log.last, log.entries.length]).toEqual([1, 2, 2]);
  });

  it('knows a change before what it changes, which comes late and as it was', () => {
    const log = new Log(0);
    log.push([change(3, chat(1, 1))]);
    expect(log.push([chat(2)])).toEqual([]);
    log.push([chat(1)]);
    expect(versions(log)).toEqual([1, 0]);
    expect(log.hasGap).toBe(false);
  });

  it('shows a change at once, also from behind a gap and from an entry that it has', () => {
    const log = Log.of([chat(1), change(2, chat(1, 1))], false);
    log.push([change(5, chat(1, 2))]);
    expect(versions(log)).toEqual([2]);
    log.push([change(2, chat(1, 3))]);
    expect(versions(log)).toEqual([3]);
    expect([log.last, log.hasGap]).toEqual([2, true]);
  });

  it('keeps the later of two states of a chat that waits behind a gap', () => {
    const log = Log.of([chat(1)], false);
    log.push([chat(3), chat(4, 2)]);
    log.push([chat(3, 1)]);
    log.follow(1, [chat(2), chat(3), chat(4)]);
    expect(versions(log)).toEqual([0, 0, 1, 2]);
  });

  it('brings a page of history up to date that was read before a change', () => {
    const log = Log.of([chat(5), chat(6)], true);
    log.push([change(7, chat(2, 1)), change(9, chat(3, 1))]);
    log.precede([chat(1), chat(2), chat(3), chat(4)], false);
    expect(versions(log)).toEqual([0, 1, 1, 0, 0, 0]);
  });

  it('takes the state from the last change of a page, the only one that has it', () => {
    const log = Log.of([chat(1)], false);
    log.follow(1, [change(2), change(3, chat(1, 2))]);
    expect(versions(log)).toEqual([2]);
  });

  it('ignores a change of what it does not hold', () => {
    const log = Log.of([chat(5)], true);
    expect(log.push([change(6, chat(2, 1))]).map((each) => each.seq)).toEqual([6]);
    expect(log.first).toBe(5);
  });

  it.each([1, 2, 3, 4, 5])('ends the same whatever the order of arrival (seed %i)', (seed) => {
    const random = seeded(seed);
    const truth: Entry[] = [];
    const arrivals: { entry: Entry; at: number }[] = [];
    for (let seq = 1; seq <= 300; seq++) {
      const target = Math.ceil(random() * (seq - 1));
      const old = truth[target - 1];
      let entry = chat(seq);
      if (old && !old.kind && random() < 0.5) {
        const now = chat(target, (old.version ?? 0) + 1);
        truth[target - 1] = now;
        entry = change(seq, now);
      }
      truth.push(entry);
      for (let copies = random() < 0.3 ? 2 : 1; copies > 0; copies--) {
        arrivals.push({ entry, at: seq + random() * 40 });
      }
    }
    const log = new Log(0);
    for (const { entry } of arrivals.sort((a, b) => a.at - b.at)) log.push([entry]);
    expect(log.entries).toEqual(truth);
  });
});

describe('changing a chat', () => {
  let scene: Scene;
  let ann: Session;
  let bob: Session;
  let roomId: string;
  const shown = (session: Session, seq = 3) =>
    session.rooms.get(roomId)?.log.entries.find((each) => each.seq === seq);

  beforeEach(async () => {
    scene = new Scene();
    const room = scene.server.addRoom('ping', 'ann', ['bob']);
    roomId = room.id;
    scene.server.append(room, 'chat', 'ann', 'hello');
    ann = await scene.openIn('ann', roomId);
    bob = await scene.openIn('bob', roomId);
  });

  it('shows an edit to everybody, in the log and in the room list', async () => {
    const reply = ann.edit(roomId, 3, 'hello, all');
    await scene.elapse(100);
    expect((await reply).entry).toMatchObject({ seq: 4, kind: 'changed' });
    for (const session of [ann, bob]) {
      expect(shown(session)).toMatchObject({ text: 'hello, all', version: 1 });
      expect(shown(session)?.edited_at).toBeGreaterThan(0);
      expect(session.rooms.get(roomId)?.preview?.text).toBe('hello, all');
    }
  });

  it('shows reactions, and takes them away again', async () => {
    void ann.react(roomId, 3, '👍');
    void bob.react(roomId, 3, '👍');
    void bob.react(roomId, 3, '🏓');
    await scene.elapse(100);
    for (const session of [ann, bob]) {
      expect(shown(session)?.reactions).toEqual({ '👍': ['ann', 'bob'], '🏓': ['bob'] });
    }
    const again = bob.react(roomId, 3, '🏓');
    const off = bob.react(roomId, 3, '👍', false);
    await scene.elapse(100);
    expect((await again).entry).toBeUndefined();
    expect((await off).entry?.changed?.version).toBe(4);
    expect(shown(ann)?.reactions).toEqual({ '👍': ['ann'], '🏓': ['bob'] });
    expect(scene.sent('chat.react').map((command) => command.on)).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
      false,
    ]);
  });

  it('leaves nothing of a deleted chat, also in the room list', async () => {
    await Promise.all([ann.delete(roomId, 3), scene.elapse(100)]);
    for (const session of [ann, bob]) {
      expect(shown(session)).toMatchObject({ deleted: true, text: '' });
      expect(session.rooms.get(roomId)?.preview).toMatchObject({ deleted: true, text: '' });
    }
    expect(scene.server.rooms.get(roomId)?.log[2]?.deleted).toBe(true);
  });

  it('has the answer at once even when its push is lost', async () => {
    scene.server.faults.dropEvent = 1;
    await Promise.all([ann.edit(roomId, 3, 'edited'), scene.elapse(100)]);
    expect(shown(ann)?.text).toBe('edited');
    expect(shown(bob)?.text).toBe('hello');
    // Bob's pulse finds it.
    await scene.elapse(46_000);
    expect(shown(bob)?.text).toBe('edited');
  });

  it('says why the server refused', async () => {
    const refused = (async () => {
      try {
        await bob.edit(roomId, 3, 'mine');
      } catch (error) {
        return error instanceof Failure ? error.code : '';
      }
      return '';
    })();
    await scene.elapse(100);
    expect(await refused).toBe('not_author');
    expect(shown(bob)?.text).toBe('hello');
  });

  it('follows changes in a room that is not open, and those that were missed', async () => {
    const list = await scene.open('bob');
    const preview = () => list.rooms.get(roomId)?.preview;
    await Promise.all([ann.edit(roomId, 3, 'two'), scene.elapse(100)]);
    expect(preview()?.text).toBe('two');
    scene.server.faults.dropEvent = 1;
    void ann.edit(roomId, 3, 'three');
    await scene.elapse(100);
    scene.server.faults.dropEvent = 0;
    expect(preview()?.text).toBe('two');
    scene.server.cutAll('bob');
    await scene.elapse(5_000);
    expect(preview()?.text).toBe('three');
  });

  it('does not let an old push undo the preview', async () => {
    const room = scene.server.rooms.get(roomId);
    if (!room) throw new Error('no room');
    const [, , old] = room.log;
    await Promise.all([ann.edit(roomId, 3, 'new'), scene.elapse(100)]);
    scene.server.sendTo('bob', {
      type: 'entries.added',
      room_id: roomId,
      entries: [old as Entry],
      users: {},
    });
    await scene.elapse(100);
    expect(bob.rooms.get(roomId)?.preview?.text).toBe('new');
    expect(shown(bob)?.text).toBe('new');
  });

  it('is not news: nothing unread, no read mark, nobody stopped typing', async () => {
    bob.look(roomId);
    await scene.elapse(3_000);
    const before = scene.sent('room.read').length;
    const list = await scene.open('bob');
    const unread = list.rooms.get(roomId)?.unread;
    void ann.react(roomId, 3, '👍');
    void ann.edit(roomId, 3, 'edited');
    await scene.elapse(5_000);
    expect(list.rooms.get(roomId)?.unread).toBe(unread);
    expect(scene.sent('room.read')).toHaveLength(before);
  });
});
