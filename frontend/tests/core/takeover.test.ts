import { describe, expect, it } from 'vitest';
import { Scene } from './scene';

const HOURS = 3_600_000;

describe('A connection that is taken over', () => {
  it('is never gone, and loses, repeats and mixes up nothing', async () => {
    const scene = new Scene();
    const room = scene.server.addRoom('ping', 'ann', ['bob']);
    const [ann, bob] = [await scene.openIn('ann', room.id), await scene.openIn('bob', room.id)];
    const changes = () => scene.topics.filter((topic) => topic === 'connection').length;
    const before = changes();
    const said: string[] = [];
    for (let second = 0; second * 1_000 < 4 * HOURS; second += 20) {
      const text = String(second);
      said.push(text);
      (second % 40 ? ann : bob).send(room.id, text);
      await scene.elapse(20_000);
    }
    await scene.elapse(1_000);
    const takeovers = scene.sent('session.hello').length - 2;
    expect(takeovers).toBeGreaterThanOrEqual(4);
    // It goes from online to online, with nothing in between.
    expect(changes() - before).toBe(takeovers);
    expect(scene.server.said(room.id)).toEqual(said);
    for (const here of [ann, bob]) {
      const shown = here.rooms.get(room.id)?.log.entries.flatMap(({ text }) => text ?? []) ?? [];
      expect(shown).toEqual(said);
      expect(here.outgoing(room.id)).toEqual([]);
    }
    expect(scene.sent('chat.send')).toHaveLength(said.length);
  });

  it('asks once what was missed between the two', async () => {
    const scene = new Scene();
    const room = scene.server.addRoom('ping', 'ann', ['bob']);
    const ann = await scene.openIn('ann', room.id);
    const greetings = () => scene.sent('session.hello').length;
    while (greetings() < 2) await scene.elapse(60_000);
    const [, greeted] = scene.sent('session.hello');
    const after = scene.sent('room.sync').filter(({ at }) => at >= (greeted?.at ?? 0));
    expect(after[0]?.rooms.map(({ room_id }) => room_id)).toEqual([room.id]);
    expect(ann.connection.state).toBe('online');
  });
});

describe('A change of the network', () => {
  it('has a connection tried out that may have died of it', async () => {
    const scene = new Scene();
    const room = scene.server.addRoom('ping', 'ann', ['bob']);
    const ann = await scene.openIn('ann', room.id);
    await scene.elapse(1_000);
    scene.server.faults.dropCommand = 1;
    ann.networkChanged();
    await scene.elapse(5_900);
    expect(ann.connection.state).toBe('online');
    await scene.elapse(200);
    expect(ann.connection.state).not.toBe('online');
    scene.server.faults.dropCommand = 0;
    await scene.elapse(30_000);
    expect(ann.connection.state).toBe('online');
  });

  it('leaves a connection alone that still answers', async () => {
    const scene = new Scene();
    const ann = await scene.open('ann');
    ann.networkChanged();
    await scene.elapse(10_000);
    expect(scene.sent('session.hello')).toHaveLength(1);
    expect(ann.connection.state).toBe('online');
  });
});

describe('A tab that is looked at', () => {
  it('sends what a closed tab has left behind', async () => {
    const scene = new Scene();
    const room = scene.server.addRoom('ping', 'ann');
    const here = await scene.open('ann');
    const store = scene.storeOf('ann');
    store.set(
      'ping-pong.outbox.ann.cid-of-the-closed-tab',
      JSON.stringify({
        cid: 'cid-of-the-closed-tab',
        roomId: room.id,
        text: 'left behind',
        typedAt: scene.world.clock.now(),
        tab: 'closed',
      }),
    );
    here.visibilityChanged();
    await scene.elapse(1_000);
    expect(scene.server.said(room.id)).toEqual(['left behind']);
  });

  it('sends what another tab has left behind that ends a moment later', async () => {
    const scene = new Scene();
    const room = scene.server.addRoom('ping', 'ann');
    const other = await scene.openIn('ann', room.id);
    const here = await scene.open('ann');
    scene.server.faults.dropCommand = 1;
    other.send(room.id, 'left behind');
    other.abandon();
    here.visibilityChanged();
    await scene.elapse(100);
    scene.server.faults.dropCommand = 0;
    scene.close(other);
    await scene.elapse(1_000);
    expect(scene.server.said(room.id)).toEqual(['left behind']);
  });
});
