import { beforeEach, describe, expect, it } from 'vitest';
import { Drafts } from '../../src/core/drafts';
import type { Store } from '../../src/core/ports';
import { CHAT_TEXT_MAX } from '../../src/protocol';
import { FakeClock, FakeStore } from './fakes';
import { Scene } from './scene';

const DAY_MS = 24 * 3_600_000;
const clock = new FakeClock();

describe('drafts', () => {
  let scene: Scene;
  let roomId: string;
  beforeEach(() => {
    scene = new Scene();
    roomId = scene.server.addRoom('ping', 'ann', ['bob']).id;
  });

  it('survive a reload, each in its room', async () => {
    const other = scene.server.addRoom('pong', 'ann').id;
    const before = await scene.openIn('ann', roomId);
    before.keepDraft(roomId, 'hel');
    before.abandon();
    const after = await scene.openIn('ann', roomId);
    expect([after.draft(roomId).text, after.draft(other).text]).toEqual(['hel', '']);
    after.keepDraft(roomId, '');
    after.abandon();
    expect((await scene.openIn('ann', roomId)).draft(roomId).text).toBe('');
  });

  it('are gone after signing out, also for the same person', async () => {
    const before = await scene.openIn('ann', roomId);
    before.keepDraft(roomId, 'secret');
    before.forget();
    expect((await scene.openIn('ann', roomId)).draft(roomId).text).toBe('');
  });

  it('and whatever else is kept of a person goes at signing out, and nothing of others', async () => {
    const ann = await scene.openIn('ann', roomId);
    const kept = ['ping-pong.theme', 'ping-pong.emoji.recent.bob', 'other.ann'];
    const store = scene.storeOf('ann');
    for (const key of [...kept, 'ping-pong.emoji.recent.ann']) store.set(key, '1');
    ann.forget();
    expect(store.keys().filter((key) => !key.startsWith('ping-pong.tab'))).toEqual(kept);
  });

  it('go with their room', async () => {
    const ann = await scene.openIn('ann', roomId);
    ann.keepDraft(roomId, 'too late');
    await Promise.all([ann.leave(roomId, { close: true }), scene.elapse(100)]);
    expect(ann.draft(roomId).text).toBe('');
  });

  it('are given back by a room that ends while one writes', async () => {
    const bob = await scene.openIn('bob', roomId);
    scene.server.faults.dropCommand = 1;
    bob.send(roomId, 'on its way');
    bob.keepDraft(roomId, 'half a sen');
    scene.server.close(roomId);
    await scene.elapse(100);
    const view = { state: 'removed', why: 'closed', unsent: ['on its way', 'half a sen'] };
    expect(bob.view).toEqual(view);
    expect(bob.draft(roomId).text).toBe('');
  });

  it.each(['', '  \n'])('of no words (%j) are not given back', async (text) => {
    const bob = await scene.openIn('bob', roomId);
    bob.keepDraft(roomId, text);
    scene.server.close(roomId);
    await scene.elapse(100);
    expect(bob.view).toMatchObject({ state: 'removed', unsent: [] });
  });

  it('are seen by nobody else in the same browser', () => {
    const store = new FakeStore();
    const ann = new Drafts(store, clock, 'ann');
    const bob = new Drafts(store, clock, 'bob');
    ann.set('r', { text: 'of ann' });
    expect(bob.of('r').text).toBe('');
    bob.set('r', { text: 'of bob' });
    ann.drop('r');
    expect([ann.of('r').text, bob.of('r').text]).toEqual(['', 'of bob']);
    expect([...store.map.keys()]).toHaveLength(1);
  });

  it('last as long as the page where nothing can be stored', () => {
    const forbidden: Store = { keys: () => [], get: () => null, set: () => false, remove: () => {} };
    const drafts = new Drafts(forbidden, clock, 'ann');
    drafts.set('r', { text: 'hel' });
    expect(drafts.of('r').text).toBe('hel');
  });

  it('that are far too long are kept by the page alone', () => {
    const store = new FakeStore();
    new Drafts(store, clock, 'ann').set('r', { text: 'a'.repeat(64 * 1024) });
    expect(store.map.size).toBe(0);
    new Drafts(store, clock, 'ann').set('r', { text: 'a'.repeat(CHAT_TEXT_MAX) });
    expect(store.map.size).toBe(1);
  });

  it('of rooms that are not the person\'s any more are not kept', async () => {
    const left = scene.server.addRoom('pong', 'bob', ['ann']);
    const before = await scene.openIn('ann', left.id);
    before.keepDraft(roomId, 'stays');
    before.keepDraft(left.id, 'goes');
    before.abandon();
    left.members.delete('ann');
    const after = await scene.open('ann');
    expect([after.draft(roomId).text, after.draft(left.id).text]).toEqual(['stays', '']);
    const drafts = () => scene.storeOf('ann').keys().filter((key) => key.includes('draft'));
    expect(drafts()).toEqual([`ping-pong.draft.ann.${roomId}`]);
  });

  it('are forgotten after a week, also those of who never came back', async () => {
    const store = new FakeStore();
    const mine = new Set(['old', 'new']);
    new Drafts(store, clock, 'bob').set('old', { text: 'of bob' });
    const ann = new Drafts(store, clock, 'ann');
    ann.set('old', { text: 'long ago' });
    clock.jump(6 * DAY_MS);
    ann.set('new', { text: 'lately' });
    new Drafts(store, clock, 'ann').keepOnly(mine);
    expect(store.keys()).toHaveLength(3);
    clock.jump(DAY_MS + 1);
    const after = new Drafts(store, clock, 'ann');
    after.keepOnly(mine);
    expect([after.of('old').text, after.of('new').text]).toEqual(['', 'lately']);
    expect(store.keys()).toEqual(['ping-pong.draft.ann.new']);
  });

  it.each(['', 'plain text', '7', 'null', '{"text":7,"at":1}', '{"text":"no time"}'])(
    'that nobody can read (%j) are as if they were not there',
    (stored) => {
      const store = new FakeStore();
      store.set('ping-pong.draft.ann.r', stored);
      const drafts = new Drafts(store, clock, 'ann');
      expect(drafts.of('r').text).toBe('');
      drafts.keepOnly(new Set(['r']));
      expect(store.keys()).toEqual([]);
    },
  );
});
