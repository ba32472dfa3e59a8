import { beforeEach, describe, expect, it } from 'vitest';
import { Scene } from './scene';

describe('a device that has no room left', () => {
  let scene: Scene;
  let roomId: string;
  beforeEach(() => {
    scene = new Scene();
    roomId = scene.server.addRoom('ping', 'ann', ['bob']).id;
  });

  it('sends all the same, and says what would be lost with the page', async () => {
    const ann = await scene.openIn('ann', roomId);
    scene.storeOf('ann').room = 0;
    scene.server.takes = (command) => command.type !== 'chat.send';
    ann.send(roomId, 'hello');
    expect(ann.outgoing(roomId)).toMatchObject([{ state: 'sending', isKept: false }]);
    expect(ann.unkept).toBe(1);
    scene.server.takes = () => true;
    await scene.elapse(30_000);
    expect(scene.server.said(roomId)).toEqual(['hello']);
    expect([ann.outgoing(roomId), ann.unkept]).toEqual([[], 0]);
  });

  it('has room again: what is tried next is kept', async () => {
    const ann = await scene.openIn('ann', roomId);
    scene.storeOf('ann').room = 0;
    scene.server.takes = (command) => command.type !== 'chat.send';
    ann.send(roomId, 'hello');
    await scene.elapse(100);
    scene.storeOf('ann').room = Infinity;
    await scene.elapse(20_000);
    expect(ann.outgoing(roomId)).toMatchObject([{ isKept: true }]);
    scene.close(ann);
    scene.server.takes = () => true;
    const after = await scene.openIn('ann', roomId);
    await scene.elapse(30_000);
    expect(scene.server.said(roomId)).toEqual(['hello']);
    expect(after.unsent).toBe(0);
  });

  it('keeps what it has when there is no room for what came of it', async () => {
    const ann = await scene.openIn('ann', roomId);
    scene.server.takes = (command) => command.type !== 'chat.send';
    scene.server.cutAll();
    await scene.elapse(2);
    ann.send(roomId, 'hello');
    const store = scene.storeOf('ann');
    const [key] = store.keys().filter((each) => each.includes('outbox'));
    const kept = store.get(key ?? '');
    store.room = 0;
    await scene.elapse(20_000);
    expect(scene.sent('chat.send').length).toBeGreaterThan(0);
    expect(store.get(key ?? '')).toBe(kept);
    expect(ann.outgoing(roomId)).toMatchObject([{ isKept: true }]);
    scene.server.takes = () => true;
    scene.close(ann);
    await scene.openIn('ann', roomId);
    await scene.elapse(30_000);
    expect(scene.server.said(roomId)).toEqual(['hello']);
  });

  it('keeps what is answered and who is meant as long as the page', async () => {
    const ann = await scene.openIn('ann', roomId);
    scene.storeOf('ann').room = 0;
    ann.keepDraft(roomId, '@bob yes', 3, [{ at: 0, length: 4, userId: 'bob' }]);
    expect(ann.draft(roomId)).toMatchObject({ text: '@bob yes', reply: { seq: 3 } });
  });
});
