import { beforeEach, describe, expect, it } from 'vitest';
import { TYPING_MS } from '../../src/core/typing';
import type { Session } from '../../src/core/session';
import { TYPING_INTERVAL_MS } from '../../src/protocol';
import { Scene } from './scene';

let scene: Scene;
let room: ReturnType<Scene['server']['addRoom']>;
let ann: Session;
let bob: Session;

beforeEach(async () => {
  scene = new Scene();
  room = scene.server.addRoom('ping', 'ann', ['bob', 'cho']);
  ann = await scene.openIn('ann', room.id);
  bob = await scene.openIn('bob', room.id);
});

describe('typing', () => {
  it('is seen by others for a while, and not by oneself', async () => {
    const tab = await scene.open('ann');
    ann.signalTyping(room.id);
    await scene.elapse(100);
    expect(bob.typing(room.id)).toEqual(['ann']);
    expect([ann.typing(room.id), tab.typing(room.id)]).toEqual([[], []]);
    expect(scene.topics).toContain(`typing:${room.id}`);
    await scene.elapse(TYPING_MS - 200);
    expect(bob.typing(room.id)).toEqual(['ann']);
    await scene.elapse(200);
    expect(bob.typing(room.id)).toEqual([]);
  });

  it('is signalled as seldom as the server passes it on, per room', async () => {
    const other = scene.server.addRoom('pong', 'ann', ['bob']);
    await scene.open('ann');
    scene.server.cutAll();
    await scene.elapse(5_000);
    for (let ms = 0; ms < 10_000; ms += 100) {
      ann.signalTyping(room.id);
      if (ms === 0) ann.signalTyping(other.id);
      await scene.elapse(100);
      expect(bob.typing(room.id)).toEqual(['ann']);
    }
    const times = scene
      .sent('typing.signal')
      .filter((command) => command.room_id === room.id)
      .map(({ at }) => at);
    expect(times).toHaveLength(10_000 / TYPING_INTERVAL_MS);
    expect(scene.sent('typing.signal')).toHaveLength(times.length + 1);
    // The last signal counts in full.
    await scene.elapse(TYPING_MS - TYPING_INTERVAL_MS - 100);
    expect(bob.typing(room.id)).toEqual(['ann']);
    await scene.elapse(200);
    expect(bob.typing(room.id)).toEqual([]);
  });

  it('ends when the chat comes', async () => {
    ann.signalTyping(room.id);
    scene.server.sendTo('bob', {
      type: 'typing.signalled',
      room_id: room.id,
      user_id: 'cho',
    });
    await scene.elapse(100);
    expect(bob.typing(room.id).toSorted()).toEqual(['ann', 'cho']);
    ann.send(room.id, 'there');
    await scene.elapse(100);
    expect(bob.typing(room.id)).toEqual(['cho']);
  });

  it('is not signalled without a connection, or where one is not a member', async () => {
    ann.signalTyping('nowhere');
    scene.server.cutAll('ann');
    await scene.elapse(1);
    ann.signalTyping(room.id);
    await scene.elapse(5_000);
    expect(scene.sent('typing.signal')).toEqual([]);
    // And the silence does not count as a signal.
    ann.signalTyping(room.id);
    await scene.elapse(100);
    expect(scene.sent('typing.signal')).toHaveLength(1);
  });

  it('is not silenced by a clock that is set back', async () => {
    ann.signalTyping(room.id);
    scene.world.clock.jump(-3_600_000);
    ann.signalTyping(room.id);
    await scene.elapse(3_700_000);
    expect(scene.sent('typing.signal')).toHaveLength(2);
  });

  it('does not care whether it is answered', async () => {
    scene.server.takes = (command) => command.type !== 'typing.signal';
    ann.signalTyping(room.id);
    await scene.elapse(5_000);
    scene.server.append(room, 'chat', 'bob', 'hello');
    await scene.elapse(20_000);
    expect(ann.connection.state).toBe('online');
    expect(scene.sent('session.hello')).toHaveLength(2);
  });

  it('is forgotten with the room', async () => {
    ann.signalTyping(room.id);
    await scene.elapse(100);
    scene.server.close(room.id);
    await scene.elapse(100);
    expect(bob.typing(room.id)).toEqual([]);
  });
});

describe('presence', () => {
  it('says who is connected', async () => {
    const asked = ann.present(room.id);
    await scene.elapse(100);
    expect(await asked).toMatchObject({ user_ids: ['ann', 'bob'], count: 2 });
  });
});
