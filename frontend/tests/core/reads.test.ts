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
