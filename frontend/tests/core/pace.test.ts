import { beforeEach, describe, expect, it } from 'vitest';
import type { Session } from '../../src/core/session';
import type { NotYet } from './server';
import { Scene } from './scene';

const WINDOW_MS = 8_000;
const MOST = 8;

let scene: Scene;
let ann: Session;
let roomId: string;
let said: number[];

/** What was said in the room, in its order. */
const log = () =>
  (scene.server.rooms.get(roomId)?.log ?? []).flatMap(({ kind, text }) => (kind ? [] : [text]));
const typed = (count: number) => Array.from({ length: count }, (_, number) => `${number}`);

/** As the server does: so many in the window, a repeat of what is there never refused. */
const asFastAs = (code: NotYet['code'], most: number, window: number) => {
  scene.server.takes = (command) => {
    if (command.type !== 'chat.send') return true;
    const now = scene.world.clock.now();
    const oldest = said.at(-most);
    if (oldest !== undefined && oldest + window > now) return { code, after: oldest + window - now };
    said.push(now);
    return true;
  };
};

beforeEach(async () => {
  scene = new Scene();
  roomId = scene.server.addRoom('ping', 'ann', ['bob']).id;
  ann = await scene.openIn('ann', roomId);
  said = [];
});

describe('somebody who writes faster than a room can bear', () => {
  it('has all of it said in the end, in order and once, without being asked', async () => {
    asFastAs('too_fast', MOST, WINDOW_MS);
    for (const text of typed(20)) ann.send(roomId, text);
    await scene.elapse(2_000);
    expect(log()).toEqual(typed(MOST));
    expect(ann.outgoing(roomId).map(({ state }) => state)).toEqual(Array(12).fill('sending'));
    await scene.elapse(3 * WINDOW_MS);
    expect(log()).toEqual(typed(20));
    expect(ann.outgoing(roomId)).toEqual([]);
  });

  it('is told why nothing is sent, and until when', async () => {
    asFastAs('slow_mode', 1, 5_000);
    ann.send(roomId, 'one');
    ann.send(roomId, 'two');
    await scene.elapse(1_000);
    const held = ann.held(roomId);
    expect(held?.code).toBe('slow_mode');
    expect(held && held.until - (said[0] as number)).toBeGreaterThanOrEqual(5_000);
    expect(held && held.until - (said[0] as number)).toBeLessThan(5_200);
    await scene.elapse(5_000);
    expect([log(), ann.held(roomId)]).toEqual([['one', 'two'], undefined]);
  });

  it('asks when it is time, not before and not often', async () => {
    asFastAs('too_fast', 1, WINDOW_MS);
    ann.send(roomId, 'one');
    ann.send(roomId, 'two');
    await scene.elapse(WINDOW_MS + 1_000);
    expect(scene.sent('chat.send').map(({ text }) => text)).toEqual(['one', 'two', 'two']);
  });

  it('is not kept waiting by what belongs into another room', async () => {
    const other = scene.server.addRoom('pong', 'ann', ['bob']).id;
    await scene.elapse(100);
    scene.server.takes = (command) =>
      command.type === 'chat.send' && command.room_id === roomId
        ? { code: 'too_fast', after: 30_000 }
        : true;
    ann.send(roomId, 'here');
    ann.show(other);
    await scene.elapse(100);
    ann.send(other, 'there');
    await scene.elapse(1_000);
    expect(ann.held(other)).toBeUndefined();
    expect(scene.server.rooms.get(other)?.log.at(-1)?.text).toBe('there');
  });

  it('repeats after a reload what was to wait', async () => {
    asFastAs('too_fast', 1, WINDOW_MS);
    ann.send(roomId, 'one');
    ann.send(roomId, 'two');
    await scene.elapse(1_000);
    scene.close(ann);
    ann = await scene.openIn('ann', roomId);
    await scene.elapse(2 * WINDOW_MS);
    expect(log()).toEqual(['one', 'two']);
  });
});

describe('somebody who is silenced for long', () => {
  it('gets back what they wrote, and can send it when it is over', async () => {
    let isSilenced = true;
    scene.server.takes = ({ type }) =>
      type === 'chat.send' && isSilenced ? { code: 'silenced', after: 3_600_000 } : true;
    ann.send(roomId, 'wait');
    await scene.elapse(1_000);
    const [item] = ann.outgoing(roomId);
    expect([item?.state, item?.failed]).toEqual(['failed', 'silenced']);
    expect(ann.held(roomId)).toBeUndefined();
    isSilenced = false;
    ann.retry(item?.cid as string);
    await scene.elapse(1_000);
    expect(log()).toEqual(['wait']);
  });
});

describe('somebody who changes more than a room can bear', () => {
  let changed: string[];
  const refuse = (after: number) => {
    scene.server.takes = ({ type }) => {
      if (type !== 'chat.edit') return true;
      changed.push(type);
      return changed.length === 1 ? { code: 'too_fast', after } : true;
    };
  };

  beforeEach(async () => {
    changed = [];
    ann.send(roomId, 'hello');
    await scene.elapse(200);
  });

  it('has the change made when it is time', async () => {
    refuse(9_000);
    const done = ann.changes.make(roomId, 3, { type: 'edit', text: 'hello, all' });
    await scene.elapse(8_900);
    expect(changed).toHaveLength(1);
    await scene.elapse(1_000);
    expect([await done, log()]).toEqual(['', ['hello, all']]);
  });

  it('has it back where that takes long', async () => {
    refuse(3_600_000);
    const done = ann.changes.make(roomId, 3, { type: 'edit', text: 'hello, all' });
    await scene.elapse(1_000);
    expect(await done).toBe('too_fast');
    expect(ann.changes.of(roomId, 3)?.failed).toEqual({ text: 'hello, all', code: 'too_fast' });
  });
});
