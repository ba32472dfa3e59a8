import { beforeEach, describe, expect, it } from 'vitest';
import { Session } from '../../src/core/session';
import { REPEAT_AFTER_MS, type AnyCommand } from '../../src/protocol';
import { FakeBrowser, fakeWorld, type FakeWorld } from './fakes';
import { FakeServer, NO_FAULTS } from './server';

let world: FakeWorld;
let server: FakeServer;
let session: Session;

/** What is stored of what was said, whoever said it. */
const kept = () => world.store.keys().filter((key) => key !== 'ping-pong.user');

const sent = (type: AnyCommand['type']) =>
  server.received.filter(({ command }) => command.type === type).map(({ command }) => command);

async function begin(): Promise<void> {
  session = new Session(world, () => {});
  session.start();
  await world.clock.elapse(100);
}

beforeEach(() => {
  world = fakeWorld();
  server = new FakeServer(world.clock, world.random);
  world.dial = server.dialFor('ann');
  for (const person of ['ann', 'bob', 'cho']) server.addUser(person);
});

const texts = (roomId: string) =>
  session.rooms
    .get(roomId)
    ?.log.entries.filter((entry) => !entry.kind)
    .map((entry) => entry.text);

describe('a room', () => {
  it('is entered once, and again only by a sync after a reconnect', async () => {
    const room = server.addRoom('ping', 'ann', ['bob']);
    await begin();
    session.show(room.id);
    await world.clock.elapse(100);
    expect(session.view.state).toBe('ready');
    server.cutAll();
    server.append(room, 'chat', 'bob', 'while away');
    await world.clock.elapse(5_000);
    expect(texts(room.id)).toEqual(['while away']);
    expect(sent('room.enter')).toHaveLength(1);
    expect(sent('room.sync')).toHaveLength(1);
  });

  it('asks for a gap after a moment, and not for what merely came out of order', async () => {
    const room = server.addRoom('ping', 'ann', ['bob']);
    await begin();
    session.show(room.id);
    await world.clock.elapse(100);
    server.faults.dropEvent = 1;
    server.append(room, 'chat', 'bob', 'lost');
    server.faults.dropEvent = 0;
    server.append(room, 'chat', 'bob', 'came');
    await world.clock.elapse(200);
    expect(texts(room.id)).toEqual([]);
    expect(sent('room.sync')).toHaveLength(0);
    await world.clock.elapse(300);
    expect(texts(room.id)).toEqual(['lost', 'came']);
    expect(sent('room.sync')).toHaveLength(1);
  });

  it('loses nothing that is said while its page is on the way', async () => {
    const room = server.addRoom('ping', 'bob');
    await begin();
    session.show(room.id);
    // The page is read, then something is said, and its push overtakes the page.
    await world.clock.elapse(1);
    server.faults.delayMs = 300;
    await world.clock.elapse(5);
    server.faults.delayMs = 0;
    for (const text of ['one', 'two']) server.append(room, 'chat', 'bob', text);
    await world.clock.elapse(350);
    expect(session.view.state).toBe('ready');
    expect(texts(room.id)).toEqual(['one', 'two']);
    expect(sent('room.sync')).toHaveLength(0);
  });

  it('finds the last chat, whose push was lost, by the pulse', async () => {
    const room = server.addRoom('ping', 'ann', ['bob']);
    await begin();
    session.show(room.id);
    await world.clock.elapse(100);
    server.faults.dropEvent = 1;
    server.append(room, 'chat', 'bob', 'lost');
    await world.clock.elapse(46_000);
    expect(texts(room.id)).toEqual(['lost']);
  });

  it('keeps the connection alive also where nobody looks and there are no rooms', async () => {
    world.isVisible = false;
    await begin();
    await world.clock.elapse(10 * 60_000);
    expect(sent('room.sync').length).toBeGreaterThanOrEqual(2);
    expect(sent('room.sync').length).toBeLessThanOrEqual(4);
  });

  it('shows history without a gap or a repetition', async () => {
    const room = server.addRoom('ping', 'ann', ['bob']);
    for (let i = 0; i < 130; i++) server.append(room, 'chat', 'bob', `${i}`);
    await begin();
    session.show(room.id);
    await world.clock.elapse(100);
    for (let page = 0; page < 3; page++) {
      void session.loadBefore(room.id);
      void session.loadBefore(room.id);
      await world.clock.elapse(100);
    }
    expect(texts(room.id)).toEqual(Array.from({ length: 130 }, (_, i) => `${i}`));
    expect(session.rooms.get(room.id)?.log.hasBefore).toBe(false);
  });

  it('starts over when its log is another one', async () => {
    const room = server.addRoom('ping', 'ann', ['bob']);
    server.append(room, 'chat', 'bob', 'old');
    await begin();
    session.show(room.id);
    await world.clock.elapse(100);
    room.epoch = 'other';
    room.log.length = 0;
    server.append(room, 'chat', 'bob', 'new');
    server.cutAll();
    await world.clock.elapse(5_000);
    expect(texts(room.id)).toEqual(['new']);
  });

  it('is said to be closed, and is not entered again by itself', async () => {
    const room = server.addRoom('ping', 'bob', ['ann']);
    await begin();
    session.show(room.id);
    await world.clock.elapse(100);
    server.close(room.id);
    await world.clock.elapse(100);
    expect(session.view).toEqual({ state: 'removed', why: 'closed', unsent: [] });
    server.cutAll();
    await world.clock.elapse(60_000);
    expect(session.view).toEqual({ state: 'removed', why: 'closed', unsent: [] });
    expect(sent('room.enter')).toHaveLength(1);
  });

  it('is said to be gone when it went while one was away', async () => {
    const room = server.addRoom('ping', 'bob', ['ann']);
    await begin();
    session.show(room.id);
    await world.clock.elapse(100);
    server.cutAll();
    server.close(room.id);
    await world.clock.elapse(5_000);
    expect(session.view).toEqual({ state: 'removed', why: 'gone', unsent: [] });
  });

  it('gives back what was not sent when it ends', async () => {
    const room = server.addRoom('ping', 'bob', ['ann']);
    const other = server.addRoom('pong', 'bob', ['ann']);
    await begin();
    session.show(room.id);
    await world.clock.elapse(100);
    server.faults.dropCommand = 1;
    for (const text of ['one', 'two']) session.send(room.id, text);
    session.send(other.id, 'three');
    await world.clock.elapse(100);
    server.faults.dropCommand = 0;
    server.close(room.id);
    server.close(other.id);
    await world.clock.elapse(100);
    const view = { state: 'removed', why: 'closed' };
    expect(session.view).toEqual({ ...view, unsent: ['one', 'two'] });
    expect(session.roomName(room.id)).toBe('ping');
    expect(kept()).toEqual([]);
    session.show(other.id);
    expect(session.view).toEqual({ ...view, unsent: ['three'] });
  });

  it('is entered again after it was left only when asked for', async () => {
    const room = server.addRoom('ping', 'bob', ['ann']);
    await begin();
    session.show(room.id);
    await world.clock.elapse(100);
    void session.leave(room.id);
    await world.clock.elapse(100);
    session.show(null);
    session.show(room.id);
    server.cutAll();
    await world.clock.elapse(60_000);
    expect(session.view).toEqual({ state: 'removed', why: 'left', unsent: [] });
    expect(room.members.has('ann')).toBe(false);
    session.reenter();
    await world.clock.elapse(100);
    expect(session.view.state).toBe('ready');

    void session.leave(room.id);
    await world.clock.elapse(100);
    session.show(null);
    void session.openRoom('ping');
    await world.clock.elapse(100);
    session.show(room.id);
    await world.clock.elapse(100);
    expect(session.view.state).toBe('ready');
    expect(sent('room.enter')).toHaveLength(3);
  });

  it('says why it could not be entered', async () => {
    await begin();
    session.show('nowhere');
    await world.clock.elapse(100);
    expect(session.view).toEqual({ state: 'failed', code: 'room_not_found' });
  });

  it('counts and lists its members as they come and go', async () => {
    const room = server.addRoom('ping', 'ann', ['bob']);
    await begin();
    session.show(room.id);
    session.wantMembers(room.id);
    await world.clock.elapse(100);
    server.append(room, 'joined', 'cho');
    server.append(room, 'left', 'bob');
    server.append(room, 'host_changed', 'cho');
    await world.clock.elapse(100);
    const state = session.rooms.get(room.id);
    expect([...(state?.members.byId.keys() ?? [])].sort()).toEqual(['ann', 'cho']);
    expect([state?.memberCount, state?.hostId]).toEqual([2, 'cho']);
  });
});

describe('the room list', () => {
  it('follows what is said: order, preview and unread chats of others', async () => {
    const ping = server.addRoom('ping', 'ann', ['bob']);
    world.clock.jump(1_000);
    const pong = server.addRoom('pong', 'ann', ['bob']);
    await begin();
    expect(session.roomList.map((room) => room.id)).toEqual([pong.id, ping.id]);
    const before = session.rooms.get(ping.id)?.unread ?? 0;
    server.append(ping, 'chat', 'bob', 'hello');
    server.append(ping, 'chat', 'ann', 'from my other device');
    server.append(ping, 'left', 'bob');
    await world.clock.elapse(100);
    expect(session.roomList[0]?.id).toBe(ping.id);
    expect(session.roomList[0]?.preview?.text).toBe('from my other device');
    // One's own words, wherever they were written, read what is before them.
    expect([before, session.roomList[0]?.unread]).toEqual([0, 0]);
    server.append(ping, 'chat', 'bob', 'and?');
    await world.clock.elapse(100);
    expect(session.roomList[0]?.unread).toBe(1);
  });

  it('marks as read what is looked at, seldom, and once more at the end', async () => {
    const room = server.addRoom('ping', 'ann', ['bob']);
    await begin();
    session.show(room.id);
    await world.clock.elapse(100);
    session.look(room.id);
    for (let i = 0; i < 40; i++) {
      server.append(room, 'chat', 'bob', `${i}`);
      await world.clock.elapse(100);
    }
    await world.clock.elapse(5_000);
    const reads = sent('room.read') as { seq: number }[];
    // Four seconds of chats: at most one mark in each, and the last one.
    expect(reads.length).toBeLessThanOrEqual(5);
    expect(reads.length).toBeGreaterThanOrEqual(3);
    expect(reads.at(-1)?.seq).toBe(room.log.length);
    expect(session.rooms.get(room.id)?.unread).toBe(0);
  });

  it('says at once what was seen when the page goes out of sight', async () => {
    const room = server.addRoom('ping', 'ann', ['bob']);
    await begin();
    session.show(room.id);
    await world.clock.elapse(100);
    session.look(room.id);
    await world.clock.elapse(5_000);
    server.append(room, 'chat', 'bob', 'first');
    await world.clock.elapse(500);
    server.append(room, 'chat', 'bob', 'within the pause');
    await world.clock.elapse(100);
    expect((sent('room.read').at(-1) as { seq: number }).seq).toBe(room.log.length - 1);
    world.isVisible = false;
    session.visibilityChanged();
    await world.clock.elapse(100);
    expect((sent('room.read').at(-1) as { seq: number }).seq).toBe(room.log.length);
  });

  it('holds a part of a log only, and reads nothing, while thousands of chats come unseen', async () => {
    const room = server.addRoom('ping', 'ann', ['bob']);
    await begin();
    session.show(room.id);
    await world.clock.elapse(100);
    session.look(room.id);
    world.isVisible = false;
    session.visibilityChanged();
    let most = 0;
    for (let burst = 0; burst < 30; burst++) {
      for (let i = 0; i < 100; i++) server.append(room, 'chat', 'bob', `${burst} ${i}`);
      await world.clock.elapse(100);
      most = Math.max(most, session.rooms.get(room.id)?.log.entries.length ?? 0);
    }
    expect(most).toBeLessThanOrEqual(700);
    expect(sent('room.read')).toHaveLength(0);
    expect(session.rooms.get(room.id)).toMatchObject({ unread: 3_000, isUnreadKnown: true });
    world.isVisible = true;
    session.visibilityChanged();
    session.look(room.id);
    await world.clock.elapse(1_000);
    expect(session.rooms.get(room.id)?.unread).toBe(0);
    expect((sent('room.read').at(-1) as { seq: number }).seq).toBe(room.log.length);
  });

  it('does not mark as read what came while nobody looked', async () => {
    const room = server.addRoom('ping', 'ann', ['bob']);
    await begin();
    session.show(room.id);
    await world.clock.elapse(100);
    session.look(null);
    server.append(room, 'chat', 'bob', 'unseen');
    await world.clock.elapse(5_000);
    expect(sent('room.read')).toHaveLength(0);
    expect(session.rooms.get(room.id)?.unread).toBe(1);
  });

  it('follows the person’s other tabs', async () => {
    const room = server.addRoom('ping', 'ann', ['bob']);
    await begin();
    server.sendTo('ann', { type: 'read.marked', room_id: room.id, user_id: 'ann', seq: room.log.length });
    server.sendTo('ann', {
      type: 'profile.updated',
      me: { user_id: 'ann', nickname: 'Anna' },
    });
    await world.clock.elapse(100);
    expect(session.rooms.get(room.id)?.unread).toBe(0);
    expect(session.users.get('ann')?.nickname).toBe('Anna');
    server.sendTo('ann', { type: 'room.left', room_id: room.id });
    await world.clock.elapse(100);
    expect(session.rooms.size).toBe(0);
  });
});

describe('the outbox', () => {
  const sends = () =>
    server.received.flatMap(({ command, at }) =>
      command.type === 'chat.send' ? [{ ...command, at }] : [],
    );

  it('sends a first try without a mark, in order, one at a time', async () => {
    const room = server.addRoom('ping', 'ann');
    await begin();
    session.show(room.id);
    await world.clock.elapse(100);
    for (const text of ['one', 'two', 'three']) session.send(room.id, text);
    expect(session.outgoing(room.id).map((item) => item.state)).toEqual(Array(3).fill('sending'));
    await world.clock.elapse(1);
    expect(session.outgoing(room.id)).toHaveLength(3);
    await world.clock.elapse(200);
    expect(server.said(room.id)).toEqual(['one', 'two', 'three']);
    expect(sends().every((command) => command.retry_since === undefined)).toBe(true);
    expect(sends().every((command) => /^[\w-]{22}$/.test(command.cid))).toBe(true);
    expect(session.outgoing(room.id)).toEqual([]);
    expect(kept()).toEqual([]);
  });

  it('repeats a send that got no answer, marked, after 5 s, and says it once', async () => {
    const room = server.addRoom('ping', 'ann');
    const other = server.addRoom('pong', 'bob', ['ann']);
    await begin();
    session.show(room.id);
    await world.clock.elapse(100);
    const known = room.log.length;
    server.faults.dropReply = 1;
    server.faults.dropEvent = 1;
    session.send(room.id, 'once');
    await world.clock.elapse(4_000);
    server.faults.dropReply = 0;
    server.faults.dropEvent = 0;
    // The connection is alive, only this answer was lost.
    server.append(other, 'chat', 'bob', 'hello');
    await world.clock.elapse(20_000);
    expect(server.said(room.id)).toEqual(['once']);
    expect(sends().map((command) => command.retry_since)).toEqual([undefined, known]);
    expect((sends()[1]?.at ?? 0) - (sends()[0]?.at ?? 0)).toBe(REPEAT_AFTER_MS);
    expect(sent('session.hello')).toHaveLength(1);
    expect(texts(room.id)).toEqual(['once']);
  });

  it('waits longer from repeat to repeat while there is no answer', async () => {
    const room = server.addRoom('ping', 'ann');
    const other = server.addRoom('pong', 'bob', ['ann']);
    await begin();
    session.show(room.id);
    await world.clock.elapse(100);
    server.takes = (command) => command.type !== 'chat.send';
    session.send(room.id, 'anybody?');
    for (let second = 0; second < 40; second++) {
      server.append(other, 'chat', 'bob', `${second}`);
      await world.clock.elapse(1_000);
    }
    const times = sends().map(({ at }) => at);
    const pauses = times.slice(1).map((at, i) => at - (times[i] ?? 0));
    expect(pauses).toEqual([5_000, 7_500, 11_250, 12_000]);
  });

  it('repeats at once over a new connection what its log does not show', async () => {
    const room = server.addRoom('ping', 'ann');
    await begin();
    session.show(room.id);
    await world.clock.elapse(100);
    server.faults.dropCommand = 1;
    session.send(room.id, 'lost');
    await world.clock.elapse(10);
    server.faults.dropCommand = 0;
    server.cutAll();
    await world.clock.elapse(2_000);
    expect(server.said(room.id)).toEqual(['lost']);
    expect(sends().map((command) => command.retry_since)).toEqual([1]);
    expect(session.outgoing(room.id)).toEqual([]);
  });

  it('sees after a new connection that a send got there, and does not repeat it', async () => {
    const room = server.addRoom('ping', 'ann', ['bob']);
    server.syncPage = 3;
    await begin();
    session.show(room.id);
    await world.clock.elapse(100);
    for (let i = 0; i < 7; i++) server.append(room, 'chat', 'bob', `${i}`);
    session.send(room.id, 'arrived');
    await world.clock.elapse(1);
    server.faults.dropEvent = 1;
    server.faults.dropReply = 1;
    await world.clock.elapse(6);
    server.cutAll();
    server.faults = { ...NO_FAULTS };
    await world.clock.elapse(20_000);
    expect(server.said(room.id)).toHaveLength(8);
    expect(sends()).toHaveLength(1);
    expect(session.outgoing(room.id)).toEqual([]);
  });

  it('does not wait for ever for a log that can not be completed', async () => {
    const room = server.addRoom('ping', 'ann');
    await begin();
    session.show(room.id);
    await world.clock.elapse(100);
    server.faults.dropCommand = 1;
    session.send(room.id, 'meanwhile');
    await world.clock.elapse(10);
    server.faults.dropCommand = 0;
    server.takes = (command) => command.type !== 'room.sync';
    server.cutAll();
    await world.clock.elapse(4_000);
    expect(server.said(room.id)).toEqual([]);
    await world.clock.elapse(3_000);
    expect(server.said(room.id)).toEqual(['meanwhile']);
  });

  it('does not let later chats push one out of the server’s memory while a try is about', async () => {
    const room = server.addRoom('ping', 'ann');
    server.isForgetful = true;
    await begin();
    session.show(room.id);
    await world.clock.elapse(100);
    const lines = Array.from({ length: 12 }, (_, i) => `${i}`);
    server.faults.late = 1;
    for (const text of lines) session.send(room.id, text);
    await world.clock.elapse(1);
    server.faults.late = 0;
    server.cutAll();
    await world.clock.elapse(1_500);
    // The late one is not there yet; its repeat and seven others are.
    expect(server.said(room.id)).toEqual(lines.slice(0, 8));
    await world.clock.elapse(15_000);
    expect(server.said(room.id)).toEqual(lines);
    expect(session.outgoing(room.id)).toEqual([]);
  });

  it('does not dial for ever as fast as it can with a chat that breaks connections', async () => {
    const room = server.addRoom('ping', 'ann');
    await begin();
    session.show(room.id);
    await world.clock.elapse(100);
    server.takes = (command) => {
      if (command.type === 'chat.send') server.cutAll();
      return command.type !== 'chat.send';
    };
    session.send(room.id, 'poison');
    await world.clock.elapse(60_000);
    expect(sends().length).toBeGreaterThan(5);
    expect(sends().length).toBeLessThan(20);
  });

  it.each(['stale', 'internal'] as const)('repeats what got `%s`, less and less often', async (code) => {
    const room = server.addRoom('ping', 'ann');
    await begin();
    session.show(room.id);
    await world.clock.elapse(100);
    server.takes = (command) => command.type !== 'chat.send' || code;
    session.send(room.id, 'at last');
    await world.clock.elapse(20_000);
    const times = sends().map(({ at }) => at);
    const pauses = times.slice(1).map((at, i) => Math.round((at - (times[i] ?? 0)) / 100) / 10);
    expect(pauses).toEqual([5, 7.5]);
    server.takes = () => true;
    await world.clock.elapse(10_000);
    expect(server.said(room.id)).toEqual(['at last']);
    expect(session.outgoing(room.id)).toEqual([]);
  });

  it('leaves it to the person when the server cannot do it again and again', async () => {
    const room = server.addRoom('ping', 'ann');
    await begin();
    session.show(room.id);
    await world.clock.elapse(100);
    server.takes = (command) => command.type !== 'chat.send' || 'internal';
    session.send(room.id, 'at last');
    await world.clock.elapse(10 * 60_000);
    const [item] = session.outgoing(room.id);
    expect([item?.state, item?.failed]).toEqual(['failed', 'internal']);
    server.takes = () => true;
    session.retry(item?.cid ?? '');
    await world.clock.elapse(100);
    expect(server.said(room.id)).toEqual(['at last']);
    expect(sends().at(-1)?.retry_since).toBe(1);
  });

  it('is empty when the log of a room that is not open has gone on without it', async () => {
    const room = server.addRoom('ping', 'ann', ['bob']);
    await begin();
    server.faults.dropEvent = 1;
    server.append(room, 'chat', 'bob', 'lost');
    // The answer comes, but what was said before it does not.
    server.takes = (command) => command.type !== 'room.sync';
    session.send(room.id, 'mine');
    await world.clock.elapse(1_000);
    expect(session.outgoing(room.id).map((item) => item.state)).toEqual(['sent']);
    server.takes = () => true;
    server.cutAll();
    await world.clock.elapse(5_000);
    expect(session.outgoing(room.id)).toEqual([]);
  });

  it('does not repeat what the log shows meanwhile', async () => {
    const room = server.addRoom('ping', 'ann');
    await begin();
    session.show(room.id);
    await world.clock.elapse(100);
    server.faults.dropReply = 1;
    session.send(room.id, 'once');
    await world.clock.elapse(100);
    expect(session.outgoing(room.id)).toEqual([]);
    server.faults.dropReply = 0;
    await world.clock.elapse(30_000);
    expect(sends()).toHaveLength(1);
  });

  it('keeps what is typed offline, through a reload, and sends it once', async () => {
    const room = server.addRoom('ping', 'ann');
    const browser = new FakeBrowser();
    world.store = browser.store;
    const tab = browser.openTab();
    world.tabs = tab;
    await begin();
    session.show(room.id);
    await world.clock.elapse(100);
    world.isOnline = false;
    session.networkChanged();
    session.send(room.id, 'from the tunnel');
    await world.clock.elapse(60_000);
    session.abandon();
    tab.close();
    world.tabs = browser.openTab();
    world.isOnline = true;
    await begin();
    await world.clock.elapse(1_000);
    expect(server.said(room.id)).toEqual(['from the tunnel']);
    expect(sends()).toHaveLength(1);
    expect(sends()[0]?.retry_since).toBeUndefined();
  });

  it('marks the send that a reload interrupted as a repeat', async () => {
    const room = server.addRoom('ping', 'ann');
    const browser = new FakeBrowser();
    world.store = browser.store;
    const tab = browser.openTab();
    world.tabs = tab;
    await begin();
    session.show(room.id);
    await world.clock.elapse(100);
    const known = room.log.length;
    server.faults.dropReply = 1;
    server.faults.dropEvent = 1;
    session.send(room.id, 'once');
    await world.clock.elapse(6);
    session.abandon();
    tab.close();
    await world.clock.elapse(100);
    server.faults = { ...server.faults, dropReply: 0, dropEvent: 0 };
    world.tabs = browser.openTab();
    await begin();
    await world.clock.elapse(1_000);
    expect(sends().map((command) => command.retry_since)).toEqual([undefined, known]);
    expect(server.said(room.id)).toEqual(['once']);
  });

  it('sees after a reload that a send got there, and does not repeat it', async () => {
    const room = server.addRoom('ping', 'ann');
    const browser = new FakeBrowser();
    world.store = browser.store;
    const tab = browser.openTab();
    world.tabs = tab;
    await begin();
    server.faults.dropReply = 1;
    server.faults.dropEvent = 1;
    session.send(room.id, 'once');
    await world.clock.elapse(6);
    session.abandon();
    tab.close();
    server.faults = { ...NO_FAULTS };
    world.tabs = browser.openTab();
    session = new Session(world, () => {});
    session.start();
    session.show(room.id);
    await world.clock.elapse(10_000);
    expect(sends()).toHaveLength(1);
    expect(session.outgoing(room.id)).toEqual([]);
    expect(texts(room.id)).toEqual(['once']);
    expect(kept()).toEqual([]);
  });

  it('leaves the chats of a living tab to that tab', async () => {
    const room = server.addRoom('ping', 'ann');
    const browser = new FakeBrowser();
    world.store = browser.store;
    world.tabs = browser.openTab();
    await begin();
    session.show(room.id);
    await world.clock.elapse(100);
    server.faults.dropCommand = 1;
    session.send(room.id, 'mine');
    server.faults.dropCommand = 0;
    const other = new Session({ ...world, tabs: browser.openTab() }, () => {});
    other.start();
    await world.clock.elapse(5_000);
    expect(other.outgoing(room.id)).toEqual([]);
    expect(session.outgoing(room.id)).toHaveLength(1);
    await world.clock.elapse(60_000);
    expect(server.said(room.id)).toEqual(['mine']);
  });

  it('gives up what the server refuses for good, and goes on with the next', async () => {
    const room = server.addRoom('ping', 'ann');
    const other = server.addRoom('pong', 'bob', ['ann']);
    await begin();
    session.show(other.id);
    await world.clock.elapse(100);
    other.members.delete('ann');
    session.send(other.id, 'too late');
    await world.clock.elapse(100);
    const [item] = session.outgoing(other.id);
    expect([item?.state, item?.failed]).toEqual(['failed', 'not_member']);
    session.send(room.id, 'elsewhere');
    await world.clock.elapse(100);
    expect(server.said(room.id)).toEqual(['elsewhere']);
    session.discard(item?.cid ?? '');
    expect(session.outgoing(other.id)).toEqual([]);
    expect(kept()).toEqual([]);
  });

  it('forgets everything at sign-out', async () => {
    const room = server.addRoom('ping', 'ann');
    await begin();
    server.faults.dropCommand = 1;
    session.send(room.id, 'secret');
    await world.clock.elapse(100);
    expect(kept()).toHaveLength(1);
    session.forget();
    expect(world.store.keys()).toEqual([]);
  });
});
