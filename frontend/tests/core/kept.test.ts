import { beforeEach, describe, expect, it } from 'vitest';
import { Scene } from './scene';

describe('signing out before there was a connection', () => {
  let scene: Scene;
  let roomId: string;
  const kept = () => scene.storeOf('ann').keys();

  beforeEach(async () => {
    scene = new Scene();
    roomId = scene.server.addRoom('ping', 'ann').id;
    const before = await scene.openIn('ann', roomId);
    before.keepDraft(roomId, 'begun');
    scene.server.faults.dropCommand = 1;
    before.send(roomId, 'never arrived');
    before.abandon();
    expect(kept().map((key) => key.split('.')[1])).toEqual(
      expect.arrayContaining(['draft', 'outbox']),
    );
    // The page is loaded anew, and no connection comes about.
    scene.server.signedOut.add('ann');
  });

  it('leaves nothing of who was here last, and what others have', async () => {
    const store = scene.storeOf('ann');
    for (const key of ['ping-pong.draft.bob.r', 'ping-pong.draft.anna.r']) store.set(key, '1');
    const after = await scene.openIn('ann', roomId);
    expect(after.me).toBeNull();
    expect(after.forget()).toBe('ann');
    expect(kept()).toEqual(['ping-pong.draft.bob.r', 'ping-pong.draft.anna.r']);
  });

  it('leaves nothing of anybody where it is not known who that was', async () => {
    const store = scene.storeOf('ann');
    store.remove('ping-pong.user');
    for (const key of ['ping-pong.theme', 'ping-pong.lang', 'other']) store.set(key, '1');
    store.set('ping-pong.emoji.recent.ann', '👍');
    store.set('ping-pong.read.ann.e1', '7');
    const after = await scene.openIn('ann', roomId);
    expect(after.forget()).toBe('');
    expect(kept()).toEqual(['ping-pong.theme', 'ping-pong.lang', 'other']);
  });

  it('keeps everything where the session merely ended', async () => {
    (await scene.openIn('ann', roomId)).abandon();
    scene.server.signedOut.clear();
    scene.server.faults.dropCommand = 0;
    const after = await scene.openIn('ann', roomId);
    expect(after.draft(roomId).text).toBe('begun');
    expect(kept().some((key) => key.startsWith('ping-pong.outbox.ann.'))).toBe(true);
  });
});
