import { beforeEach, describe, expect, it } from 'vitest';
import { withPending } from '../../src/core/changes';
import type { Session } from '../../src/core/session';
import type { Entry } from '../../src/protocol';
import { Scene } from './scene';

let scene: Scene;
let ann: Session;
let bob: Session;
let roomId: string;
const held = (session: Session, seq = 3) =>
  session.rooms.get(roomId)?.log.entries.find((each) => each.seq === seq) as Entry;
/** As the page draws it. */
const shown = (session: Session, seq = 3) =>
  withPending(held(session, seq), session.changes.of(roomId, seq), session.me?.user_id ?? '');

beforeEach(async () => {
  scene = new Scene();
  const room = scene.server.addRoom('ping', 'ann', ['bob']);
  roomId = room.id;
  scene.server.append(room, 'chat', 'ann', 'hello');
  ann = await scene.openIn('ann', roomId);
  bob = await scene.openIn('bob', roomId);
});

const edit = (text: string) => ann.changes.make(roomId, 3, { type: 'edit', text });
const react = (emoji: string, on = true) =>
  bob.changes.make(roomId, 3, { type: 'react', emoji, on });

describe('a change on its way', () => {
  it('is shown at once, and confirmed', async () => {
    const done = edit('hello, all');
    expect(shown(ann)).toMatchObject({ text: 'hello, all', edited_at: held(ann).at });
    expect(held(ann).text).toBe('hello');
    await scene.elapse(100);
    expect(await done).toBe('');
    expect(ann.changes.of(roomId, 3)).toBeUndefined();
    expect([held(ann).text, held(bob).text]).toEqual(['hello, all', 'hello, all']);
  });

  it('shows reactions before the server knows of them, and taken away ones no more', async () => {
    void react('👍');
    expect(shown(bob).reactions).toEqual({ '👍': ['bob'] });
    await scene.elapse(100);
    void react('👍', false);
    expect(shown(bob).reactions).toEqual({ '👍': [] });
    await scene.elapse(100);
    expect(held(ann).reactions).toEqual({});
  });

  it('waits for a connection, and then is made once', async () => {
    scene.world.isOnline = false;
    scene.server.cutAll('ann');
    ann.networkChanged();
    const done = edit('from the tunnel');
    await scene.elapse(20_000);
    expect(scene.sent('chat.edit')).toHaveLength(0);
    expect(shown(ann).text).toBe('from the tunnel');
    scene.world.isOnline = true;
    ann.networkChanged();
    await scene.elapse(1_000);
    expect(await done).toBe('');
    expect(scene.sent('chat.edit')).toHaveLength(1);
    expect(held(bob).text).toBe('from the tunnel');
  });

  it('is repeated when its answer is lost with the connection', async () => {
    scene.server.faults.dropReply = 1;
    const done = edit('twice');
    await scene.elapse(10);
    scene.server.faults.dropReply = 0;
    scene.server.cutAll('ann');
    await scene.elapse(20_000);
    expect(await done).toBe('');
    expect(held(bob)).toMatchObject({ text: 'twice', version: 1 });
  });

  it('is shown on when only its repeat was answered, which had nothing more to do', async () => {
    scene.server.faults = { ...scene.server.faults, dropReply: 1, dropEvent: 1 };
    let then = '';
    void edit('once').then(() => (then = held(ann).text ?? ''));
    await scene.elapse(100);
    expect(scene.server.rooms.get(roomId)?.log[2]?.text).toBe('once');
    scene.server.faults.dropReply = 0;
    await scene.elapse(12_500);
    expect(scene.sent('chat.edit')).toHaveLength(2);
    expect([then, ann.changes.of(roomId, 3)]).toEqual(['once', undefined]);
    expect(held(ann).version).toBe(1);
  });

  it('is shown until the log has it, also over another connection', async () => {
    scene.server.faults = { ...scene.server.faults, dropReply: 1, dropEvent: 1 };
    let isDone = false;
    void edit('once').then(() => (isDone = true));
    await scene.elapse(100);
    scene.server.faults.dropReply = 0;
    scene.server.takes = (command) => command.type !== 'room.sync';
    await scene.elapse(12_500);
    expect(scene.sent('chat.edit')).toHaveLength(2);
    expect([isDone, shown(ann).text, held(ann).text]).toEqual([false, 'once', 'hello']);
    scene.server.cutAll('ann');
    await scene.elapse(1);
    expect(shown(ann).text).toBe('once');
    scene.server.takes = () => true;
    await scene.elapse(20_000);
    expect([isDone, held(ann).text]).toEqual([true, 'once']);
    expect(scene.sent('chat.edit')).toHaveLength(2);
  });

  it('lets the next of one chat wait until it is answered, and skips what is undone', async () => {
    scene.server.faults.delayMs = 400;
    void edit('one');
    const two = edit('two');
    const three = edit('three');
    expect(shown(ann).text).toBe('three');
    await scene.elapse(5_000);
    expect(scene.sent('chat.edit').map((command) => command.text)).toEqual(['one', 'three']);
    expect([await two, await three, held(bob).text]).toEqual(['', '', 'three']);
  });

  it('of different chats does not wait', async () => {
    const room = scene.server.rooms.get(roomId);
    if (room) scene.server.append(room, 'chat', 'ann', 'other');
    await scene.elapse(100);
    scene.server.faults.dropCommand = 1;
    void edit('lost');
    await scene.elapse(10);
    scene.server.faults.dropCommand = 0;
    await Promise.all([
      ann.changes.make(roomId, 4, { type: 'edit', text: 'through' }),
      scene.elapse(100),
    ]);
    expect(held(bob, 4).text).toBe('through');
    expect(held(bob).text).toBe('hello');
  });

  it('a deletion makes what waits before it needless', async () => {
    ann.networkChanged();
    void edit('one');
    void edit('two');
    const gone = ann.changes.make(roomId, 3, { type: 'delete' });
    expect(shown(ann)).toMatchObject({ deleted: true, text: '' });
    await scene.elapse(1_000);
    expect(await gone).toBe('');
    expect(scene.sent('chat.edit').map((command) => command.text)).toEqual(['one']);
    expect(held(bob).deleted).toBe(true);
  });
});

describe('what would be lost', () => {
  it('counts edits and deletions that are pending, and no reactions', async () => {
    const room = scene.server.rooms.get(roomId);
    if (room) scene.server.append(room, 'chat', 'ann', 'other');
    await scene.elapse(100);
    expect(ann.unsent).toBe(0);
    scene.server.faults.dropCommand = 1;
    void edit('one');
    void edit('two');
    void ann.changes.make(roomId, 4, { type: 'delete' });
    void react('👍');
    expect([ann.unsent, bob.unsent]).toEqual([2, 0]);
    ann.send(roomId, 'and a chat');
    expect(ann.unsent).toBe(3);
    scene.server.faults.dropCommand = 0;
    await scene.elapse(60_000);
    expect(ann.unsent).toBe(0);
  });

  it('counts an edit that was refused until it is let go', async () => {
    scene.server.takes = (command) => (command.type === 'chat.edit' ? 'chat_not_found' : true);
    void edit('refused');
    await scene.elapse(100);
    expect(ann.unsent).toBe(1);
    ann.changes.discard(roomId, 3);
    expect(ann.unsent).toBe(0);
  });
});

describe('a change that was refused', () => {
  it('keeps the words of an edit, and why', async () => {
    const room = scene.server.rooms.get(roomId);
    scene.unheard(() => {
      if (room) scene.server.change(room, 'ann', 3, { deleted: true, text: '' });
    });
    const done = edit('too late');
    await scene.elapse(100);
    const code = await done;
    expect(['chat_not_found', 'not_author']).toContain(code);
    expect(ann.changes.of(roomId, 3)).toMatchObject({ changes: [], failed: { text: 'too late', code } });
    ann.changes.discard(roomId, 3);
    expect(ann.changes.of(roomId, 3)).toBeUndefined();
  });

  it('is taken back where it is a reaction or a deletion', async () => {
    const done = bob.changes.make(roomId, 3, { type: 'delete' });
    expect(shown(bob).deleted).toBe(true);
    await scene.elapse(100);
    expect(await done).toBe('not_author');
    expect(shown(bob)).toMatchObject({ text: 'hello' });
    expect(bob.changes.of(roomId, 3)).toBeUndefined();
  });

  it('by a server in trouble is repeated for some time, and then by its author', async () => {
    scene.server.faults.error = 1;
    const done = edit('again');
    await scene.elapse(10 * 60_000);
    scene.server.faults.error = 0;
    await scene.elapse(10 * 60_000);
    // Hello fails, too, while the server is in trouble: what counts is that it ended well.
    const code = await done;
    if (code) ann.changes.retry(roomId, 3);
    await scene.elapse(1_000);
    expect(held(bob).text).toBe('again');
    expect(ann.changes.of(roomId, 3)).toBeUndefined();
  });

  it.each(['hello', 'sync'])('is not made to another log of the same room (%s)', async (way) => {
    scene.server.takes = (command) => command.type !== 'chat.edit';
    const done = edit('for the old log');
    await scene.elapse(100);
    const room = scene.server.rooms.get(roomId);
    if (!room) throw new Error('no room');
    room.epoch = 'another';
    scene.unheard(() => {
      room.log = [];
      for (const text of ['a', 'b', 'c', 'd', 'e']) scene.server.append(room, 'chat', 'ann', text);
    });
    scene.server.takes = () => true;
    if (way === 'hello') scene.server.cutAll('ann');
    // A gap, which has the log asked for.
    else scene.server.append(room, 'chat', 'bob', 'f');
    await scene.elapse(60_000);
    expect(await done).toBe('lost');
    expect(scene.sent('chat.edit')).toHaveLength(1);
    expect(shown(ann).text).toBe('c');
  });

  it('goes with its room and with the session', async () => {
    scene.world.isOnline = false;
    scene.server.cutAll('ann');
    ann.networkChanged();
    const done = edit('never');
    ann.abandon();
    expect(await done).toBe('lost');
    expect(await edit('after')).toBe('lost');
    expect(scene.sent('chat.edit')).toHaveLength(0);
  });
});
