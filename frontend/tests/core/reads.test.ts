import { beforeEach, describe, expect, it } from 'vitest';
import type { Session } from '../../src/core/session';
import { Scene } from './scene';

let scene: Scene;
let room: ReturnType<Scene['server']['addRoom']>;
let ann: Session;
const marks = () => scene.sent('room.read').map(({ seq }) => seq);
const say = (userId = 'bob') => scene.server.append(room, 'chat', userId, 'words').seq;

beforeEach(async () => {
  scene = new Scene();
  room = scene.server.addRoom('ping', 'bob', ['ann']);
  ann = await scene.openIn('ann', room.id);
  ann.look(room.id);
});

describe('read marks', () => {
  it('are sent once a second at most while chats stream in, and the last one always', async () => {
    let last = 0;
    for (let i = 0; i < 100; i++) {
      last = say();
      await scene.elapse(100);
    }
    await scene.elapse(5_000);
    const times = scene.sent('room.read').map(({ at }) => at);
    for (const [i, at] of times.slice(1).entries()) {
      expect(at - (times[i] ?? 0)).toBeGreaterThanOrEqual(1_000);
    }
    expect(times.length).toBeGreaterThan(8);
    expect(marks().at(-1)).toBe(last);
    expect(scene.server.unreadOf(room, 'ann')).toBe(0);
  });

  it('are not sent for one’s own words', async () => {
    ann.send(room.id, 'one');
    await scene.elapse(5_000);
    say('ann');
    await scene.elapse(5_000);
    expect(marks()).toEqual([]);
    // Not even if somebody spoke just before.
    say();
    await scene.elapse(20);
    say('ann');
    await scene.elapse(5_000);
    expect(marks()).toEqual([]);
  });

  it('are not sent for notices', async () => {
    scene.server.append(room, 'joined', 'cho');
    await scene.elapse(5_000);
    expect(marks()).toEqual([]);
  });

  it('are not sent when another tab was faster', async () => {
    const seq = say();
    await scene.elapse(20);
    scene.server.markRead(room, 'ann', seq);
    await scene.elapse(5_000);
    expect(marks()).toEqual([]);
  });

  it('are said soon over a new connection, however long the pause was', async () => {
    scene.server.takes = (command) => command.type !== 'room.read' || 'internal';
    const seq = say();
    await scene.elapse(120_000);
    scene.server.takes = () => true;
    scene.server.cutAll();
    await scene.elapse(2_000);
    expect(scene.server.readSeqOf(room, 'ann')).toBe(seq);
  });

  it('are sent at once when the room is left, not after the pause', async () => {
    say();
    await scene.elapse(1_000);
    const seq = say();
    await scene.elapse(10);
    ann.show(null);
    await scene.elapse(10);
    expect(marks().at(-1)).toBe(seq);
    const count = marks().length;
    await scene.elapse(5_000);
    expect(marks()).toHaveLength(count);
  });

  it('are sent once when the page is hidden and then closed', async () => {
    const seq = say();
    await scene.elapse(10);
    scene.world.isVisible = false;
    ann.visibilityChanged();
    ann.leaving();
    await scene.elapse(10);
    expect(marks()).toEqual([seq]);
  });

  it('wait for a connection, and are said over the next one', async () => {
    const seq = say();
    await scene.elapse(10);
    scene.server.cutAll();
    await scene.elapse(5_000);
    expect(marks()).toEqual([seq]);
    expect(scene.server.readSeqOf(room, 'ann')).toBe(seq);
  });

  it('are repeated, less and less often, while the server refuses them', async () => {
    scene.server.takes = (command) => command.type !== 'room.read' || 'internal';
    const seq = say();
    await scene.elapse(120_000);
    const count = marks().length;
    expect(count).toBeGreaterThan(5);
    expect(count).toBeLessThan(15);
    scene.server.takes = () => true;
    await scene.elapse(40_000);
    expect(scene.server.readSeqOf(room, 'ann')).toBe(seq);
  });

  it('tell the person’s other tab, and the other people', async () => {
    const tab = await scene.open('ann');
    const bob = await scene.open('bob');
    const seq = say();
    await scene.elapse(2_000);
    expect(tab.rooms.get(room.id)?.unread).toBe(0);
    expect(bob.rooms.get(room.id)?.readers.get('ann')).toBe(seq);
    expect(marks()).toEqual([seq]);
  });
});

describe('what the server has not heard when the page is left', () => {
  const kept = () => scene.storeOf('ann').keys().filter((key) => key.includes('.read.'));
  /** Read the newest chat, and leave before the server has heard of it. */
  const leave = async () => {
    scene.server.takes = (command) => command.type !== 'room.read';
    const seq = say();
    await scene.elapse(10);
    ann.leaving();
    scene.close(ann);
    scene.server.cutAll();
    scene.server.takes = () => true;
    return seq;
  };

  it('is read when the page is back, here and there', async () => {
    const seq = await leave();
    expect(scene.server.unreadOf(room, 'ann')).toBe(1);
    const after = await scene.open('ann');
    expect(after.rooms.get(room.id)?.unread).toBe(0);
    await scene.elapse(1_000);
    expect(scene.server.readSeqOf(room, 'ann')).toBe(seq);
    // It is not said again.
    const count = marks().length;
    await scene.open('ann');
    await scene.elapse(5_000);
    expect(marks()).toHaveLength(count);
    expect(kept()).toEqual([]);
  });

  it('does not cover what came later', async () => {
    const seq = await leave();
    scene.server.append(room, 'joined', 'cho');
    say();
    const after = await scene.open('ann');
    expect(after.rooms.get(room.id)).toMatchObject({ readSeq: seq });
    await scene.elapse(2_000);
    expect(scene.server.readSeqOf(room, 'ann')).toBe(seq);
    expect(after.rooms.get(room.id)).toMatchObject({ unread: 1, isUnreadKnown: true });
  });

  it('is kept until it is heard, however often the page is left', async () => {
    const seq = await leave();
    scene.server.takes = (command) => command.type !== 'room.read';
    const second = await scene.open('ann');
    // A page that crashes has no time to keep anything.
    scene.close(second);
    scene.server.takes = () => true;
    await scene.open('ann');
    await scene.elapse(1_000);
    expect(scene.server.readSeqOf(room, 'ann')).toBe(seq);
  });

  it('is nothing in another log under the same id, or in one that was restored', async () => {
    await leave();
    room.epoch = 'other';
    const other = await scene.open('ann');
    expect(other.rooms.get(room.id)?.unread).toBe(1);
    room.epoch = 'e1';
    room.log.length -= 1;
    const restored = await scene.open('ann');
    await scene.elapse(5_000);
    expect(restored.rooms.get(room.id)?.readSeq).toBe(0);
    expect(scene.server.readSeqOf(room, 'ann')).toBe(0);
    expect(kept()).toEqual([]);
  });

  it('is nothing that the server knows', async () => {
    say();
    await scene.elapse(2_000);
    ann.leaving();
    expect(kept()).toEqual([]);
  });

  it('goes with who signs out', async () => {
    scene.server.takes = (command) => command.type !== 'room.read';
    say();
    await scene.elapse(10);
    ann.leaving();
    expect(kept()).toHaveLength(1);
    ann.forget();
    // The page is loaded anew then.
    ann.leaving();
    expect(kept()).toEqual([]);
  });
});
