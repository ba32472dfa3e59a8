import { beforeEach, describe, expect, it } from 'vitest';
import type { Session } from '../../src/core/session';
import { Scene } from './scene';

const LAST = 400;

describe('the chat that is answered', () => {
  let scene: Scene;
  let ann: Session;
  let roomId: string;
  let stored: ReturnType<Scene['server']['addRoom']>;
  const asked = () => scene.sent('chat.history').map(({ before, limit }) => [before, limit]);
  /** Ask for it as drawing does, and again when it may be there. */
  const quoted = async (seq: number) => {
    ann.quoted(roomId, seq);
    await scene.elapse(100);
    return ann.quoted(roomId, seq);
  };

  beforeEach(async () => {
    scene = new Scene();
    stored = scene.server.addRoom('ping', 'ann', ['bob']);
    roomId = stored.id;
    while (stored.log.length < LAST) {
      scene.server.append(stored, 'chat', 'bob', `${stored.log.length + 1}`);
    }
    ann = await scene.openIn('ann', roomId);
  });

  it('is known at once where the log has it', () => {
    expect(ann.quoted(roomId, LAST)?.text).toBe(`${LAST}`);
    expect(asked()).toEqual([]);
  });

  it('is fetched where it stands further up, once, and told of', async () => {
    expect(ann.quoted(roomId, 100)).toBeUndefined();
    expect(ann.quoted(roomId, 100)).toBeUndefined();
    scene.topics.length = 0;
    await scene.elapse(100);
    expect(scene.topics).toContain(`room:${roomId}`);
    expect(ann.quoted(roomId, 100)?.text).toBe('100');
    expect(ann.quoted(roomId, 100)?.text).toBe('100');
    expect(asked()).toEqual([[101, 1]]);
  });

  it('is null where nobody said anything', async () => {
    expect(await quoted(1)).toBeNull();
    expect(asked()).toEqual([[2, 1]]);
    const hole = scene.server.append(stored, 'void', '').seq;
    await scene.elapse(100);
    expect(ann.quoted(roomId, hole)).toBeNull();
  });

  it('is not asked for where the log has not come to it', async () => {
    expect(await quoted(LAST + 7)).toBeUndefined();
    expect(asked()).toEqual([]);
  });

  it('is shown as it is by now: edited, and deleted without a word of it', async () => {
    await quoted(100);
    scene.server.change(stored, 'bob', 100, { text: 'edited', edited_at: 1 });
    await scene.elapse(100);
    expect(ann.quoted(roomId, 100)?.text).toBe('edited');
    scene.server.cutAll();
    scene.server.change(stored, 'bob', 100, { text: '', deleted: true });
    await scene.elapse(5_000);
    expect(ann.connection.state).toBe('online');
    expect(ann.quoted(roomId, 100)).toMatchObject({ text: '', deleted: true });
    expect(asked()).toHaveLength(1);
  });

  it('is up to date also when a change overtakes the answer', async () => {
    scene.server.faults.delayMs = 2_000;
    ann.quoted(roomId, 100);
    await scene.elapse(2_100);
    scene.server.faults.delayMs = 1;
    expect(asked()).toHaveLength(1);
    scene.server.change(stored, 'bob', 100, { text: '', deleted: true });
    await scene.elapse(2_000);
    expect(ann.quoted(roomId, 100)?.deleted).toBe(true);
  });

  it('is fetched again over the next connection, when one looks at it', async () => {
    scene.server.takes = (command) => command.type !== 'chat.history';
    ann.quoted(roomId, 100);
    await scene.elapse(100);
    scene.server.cutAll();
    scene.server.takes = () => true;
    scene.topics.length = 0;
    await scene.elapse(5_000);
    expect(scene.topics).toContain(`room:${roomId}`);
    expect((await quoted(100))?.text).toBe('100');
  });

  it('is not asked for again and again while the server fails', async () => {
    scene.server.takes = (command) => (command.type === 'chat.history' ? 'internal' : true);
    for (let i = 0; i < 40; i++) await quoted(100);
    expect(asked()).toHaveLength(1);
    scene.server.takes = () => true;
    scene.topics.length = 0;
    await scene.elapse(8_000);
    expect(scene.topics).toContain(`room:${roomId}`);
    expect((await quoted(100))?.text).toBe('100');
  });

  it('is fetched one at a time, the last one wanted first', async () => {
    for (const seq of [10, 20, 30]) ann.quoted(roomId, seq);
    await scene.elapse(500);
    expect(asked()).toEqual([[11, 1], [31, 1], [21, 1]]);
    expect([10, 20, 30].map((seq) => ann.quoted(roomId, seq)?.text)).toEqual(['10', '20', '30']);
  });

  it('is kept for the last 200 that were looked at', async () => {
    for (let seq = 3; seq <= 202; seq++) ann.quoted(roomId, seq);
    await scene.elapse(10_000);
    expect(asked()).toHaveLength(200);
    expect(ann.quoted(roomId, 3)?.text).toBe('3');
    await quoted(203);
    expect(ann.quoted(roomId, 3)?.text).toBe('3');
    const kept = asked().length;
    // The one that nobody has looked at for longest went.
    expect(ann.quoted(roomId, 202)).toBeUndefined();
    await scene.elapse(100);
    expect(asked()).toHaveLength(kept + 1);
  });

  it('is not that of another log', async () => {
    await quoted(100);
    stored.epoch = 'other';
    stored.log[99] = { ...stored.log[99]!, text: 'of the other log' };
    scene.server.cutAll();
    await scene.elapse(5_000);
    expect((await quoted(100))?.text).toBe('of the other log');
  });

  it('is of no room that is not ours', async () => {
    scene.server.close(roomId);
    await scene.elapse(100);
    expect(await quoted(100)).toBeUndefined();
    expect(ann.quoted('nowhere', 1)).toBeUndefined();
    expect(asked()).toEqual([]);
  });
});

describe('an answer', () => {
  let scene: Scene;
  let roomId: string;
  let stored: ReturnType<Scene['server']['addRoom']>;
  beforeEach(() => {
    scene = new Scene();
    stored = scene.server.addRoom('ping', 'ann', ['bob']);
    roomId = stored.id;
    scene.server.append(stored, 'chat', 'bob', 'coffee?');
  });
  const said = () => stored.log.filter((entry) => !entry.kind).map((each) => [each.text, each.reply_to]);

  it('says which chat it answers, sent at once', async () => {
    const ann = await scene.openIn('ann', roomId);
    ann.send(roomId, 'yes', 3);
    expect(ann.outgoing(roomId)).toMatchObject([{ text: 'yes', replyTo: 3 }]);
    ann.send(roomId, 'and cake');
    await scene.elapse(500);
    expect(said().slice(1)).toEqual([['yes', 3], ['and cake', undefined]]);
  });

  it('still does after answers were lost, and after a reload, and is there once', async () => {
    const before = await scene.openIn('ann', roomId);
    scene.server.faults.dropReply = 1;
    scene.server.faults.dropEvent = 1;
    before.send(roomId, 'yes', 3);
    await scene.elapse(100);
    before.send(roomId, 'two', 3);
    scene.close(before);
    scene.server.faults.dropReply = scene.server.faults.dropEvent = 0;
    const after = await scene.openIn('ann', roomId);
    await scene.elapse(30_000);
    expect(after.outgoing(roomId)).toEqual([]);
    expect(said().slice(1)).toEqual([['yes', 3], ['two', 3]]);
    const tries = scene.sent('chat.send');
    expect(new Set(tries.map((each) => each.reply_to))).toEqual(new Set([3]));
  });

  it('to what is not there fails for good, and keeps what it is about', async () => {
    const ann = await scene.openIn('ann', roomId);
    ann.send(roomId, 'yes', 1);
    await scene.elapse(30_000);
    expect(ann.outgoing(roomId)).toMatchObject([{ state: 'failed', failed: 'chat_not_found', replyTo: 1 }]);
    expect(scene.sent('chat.send')).toHaveLength(1);
  });

  it('is none to what stands there in another log', async () => {
    const ann = await scene.openIn('ann', roomId);
    scene.server.takes = (command) => command.type !== 'chat.send';
    ann.send(roomId, 'yes', 3);
    await scene.elapse(100);
    stored.epoch = 'other';
    scene.server.takes = () => true;
    scene.server.cutAll();
    await scene.elapse(30_000);
    expect(said().at(-1)).toEqual(['yes', undefined]);
  });

  it('that was begun survives a reload with its words and whom it mentions', async () => {
    const before = await scene.openIn('ann', roomId);
    const marks = [{ at: 0, length: 4, userId: 'bob' }];
    before.keepDraft(roomId, '@bob yes', 3, marks);
    before.abandon();
    const after = await scene.openIn('ann', roomId);
    expect(after.draft(roomId)).toMatchObject({ text: '@bob yes', reply: { seq: 3, epoch: 'e1' }, marks });
    after.keepDraft(roomId, '', 3);
    after.abandon();
    const again = await scene.openIn('ann', roomId);
    expect(again.draft(roomId).reply?.seq).toBe(3);
    again.keepDraft(roomId, '');
    expect(scene.storeOf('ann').keys().filter((key) => key.includes('draft'))).toEqual([]);
  });

  it('that was begun answers nothing of another log', async () => {
    const before = await scene.openIn('ann', roomId);
    before.keepDraft(roomId, 'yes', 3);
    before.abandon();
    stored.epoch = 'other';
    const after = await scene.openIn('ann', roomId);
    expect(after.draft(roomId)).toMatchObject({ text: 'yes' });
    expect(after.draft(roomId).reply).toBeUndefined();
  });
});
