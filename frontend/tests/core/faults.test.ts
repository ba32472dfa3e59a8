import { describe, expect, it } from 'vitest';
import { withPending, type Change } from '../../src/core/changes';
import type { RoomState } from '../../src/core/room';
import type { World } from '../../src/core/ports';
import { Session } from '../../src/core/session';
import type { Entry } from '../../src/protocol';
import { FakeBrowser, FakeClock, seeded } from './fakes';
import { FakeServer, NO_FAULTS } from './server';

const PEOPLE = ['ann', 'bob', 'cho'];
const EMOJI = ['👍', '🏓', '❤️'];

interface Desk {
  userId: string;
  browser: FakeBrowser;
  tab: ReturnType<FakeBrowser['openTab']>;
  session: Session;
}

/** Chats, changes, reloads and network faults at random, in four tabs of three people; then peace. */
async function play(seed: number) {
  const clock = new FakeClock();
  const random = seeded(seed);
  const server = new FakeServer(clock, random);
  for (const person of PEOPLE) server.addUser(person);
  const room = server.addRoom('ping', 'ann', ['bob', 'cho']);
  const other = server.addRoom('pong', 'bob', ['cho']);
  const typed: string[] = [];
  const network = new Map(PEOPLE.map((person) => [person, true]));

  const open = (userId: string, browser: FakeBrowser): Desk => {
    const tab = browser.openTab();
    const world: World = {
      clock,
      random,
      dial: server.dialFor(userId),
      signedIn: async () => true,
      online: () => network.get(userId) ?? true,
      visible: () => true,
      store: browser.store,
      tabs: tab,
    };
    const session = new Session(world, () => {});
    session.start();
    session.show(room.id);
    return { userId, browser, tab, session };
  };
  const browsers = new Map(PEOPLE.map((person) => [person, new FakeBrowser()]));
  const desks = [...PEOPLE, 'bob'].map((person) =>
    open(person, browsers.get(person) as FakeBrowser),
  );
  await clock.elapse(5_000);

  server.faults = {
    dropEvent: 0.2,
    duplicate: 0.2,
    dropReply: 0.1,
    dropCommand: 0.1,
    error: 0.05,
    late: 0.1,
    cut: 0.03,
    delayMs: 400,
  };
  for (let step = 0; step < 120; step++) {
    const at = Math.floor(random() * desks.length);
    const desk = desks[at] as Desk;
    const dice = random();
    if (dice < 0.6) {
      const where = random() < 0.8 || desk.userId === 'ann' ? room : other;
      const text = `${desk.userId} ${step}`;
      if (desk.session.me) {
        // Some answer something.
        const said = where.log.filter((entry) => !entry.kind);
        const answered = random() < 0.3 ? (said[Math.floor(random() * said.length)]?.seq ?? 0) : 0;
        desk.session.send(where.id, text, answered);
        typed.push(`${where.id} ${text}`);
      }
    } else if (dice < 0.65) {
      server.cutAll(desk.userId);
    } else if (dice < 0.7) {
      network.set(desk.userId, !network.get(desk.userId));
      for (const each of desks) if (each.userId === desk.userId) each.session.networkChanged();
    } else if (dice < 0.73) {
      desk.session.look(random() < 0.5 ? room.id : null);
    } else if (dice < 0.76) {
      const { session } = desk;
      const ways = [
        () => session.loadBefore(room.id),
        () => session.loadAfter(room.id),
        () => session.jump(room.id, 1 + Math.floor(random() * room.log.length)),
        () => Promise.resolve(session.toNewest(room.id)),
      ];
      ways[Math.floor(random() * ways.length)]?.().catch(() => {});
    } else if (dice < 0.77) {
      server.append(random() < 0.5 ? room : other, 'void', '');
    } else if (dice < 0.95) {
      // Mostly what was said lately, so that changes meet what they change on the way.
      const where = random() < 0.8 || desk.userId === 'ann' ? room : other;
      const seq = where.log.length - Math.floor(random() ** 2 * where.log.length);
      change(desk.session, where.id, seq, random);
    } else {
      // A reload: nothing of the old page runs on, only what it stored is left.
      desk.tab.close();
      desk.session.abandon();
      desks[at] = open(desk.userId, desk.browser);
    }
    await clock.elapse(random() * 2_500);
  }
  server.faults = { ...NO_FAULTS };
  for (const desk of desks) {
    network.set(desk.userId, true);
    desk.session.networkChanged();
  }
  await clock.elapse(15 * 60_000);
  return { server, desks, room, other, typed };
}

function change(session: Session, roomId: string, seq: number, random: () => number): void {
  const dice = random();
  const emoji = EMOJI[Math.floor(random() * EMOJI.length)] as string;
  const text = `edited ${Math.floor(random() * 1e6)}`;
  const how: Change =
    dice < 0.15
      ? { type: 'delete' }
      : dice < 0.4
        ? { type: 'edit', text }
        : { type: 'react', emoji, on: random() < 0.7 };
  void session.changes.make(roomId, seq, how);
}

/** What a log shows; a change has done its work when the chat that it is about is held. */
const shown = (log: readonly Entry[]) =>
  log.map((entry) => ({ ...entry, changed: undefined, reactions: entry.reactions ?? {} }));

describe('after faults of every kind', () => {
  it.each(Array.from({ length: 40 }, (_, i) => i + 1))(
    'every chat appears once, in the same order and state for everybody (seed %i)',
    async (seed) => {
      const { server, desks, room, other, typed } = await play(seed);
      // A chat may be left in the outbox only as failed, where its author can repeat it.
      for (const { session } of desks) {
        expect([room, other].flatMap(({ id }) => session.outgoing(id))).toEqual([]);
      }
      const said = [room, other].flatMap(({ id, written }) => written.map((text) => `${id} ${text}`));
      expect(said.sort()).toEqual(typed.sort());
      for (const { session, userId } of desks) {
        const state = session.rooms.get(room.id);
        const held = state?.log.entries ?? [];
        expect(held.length).toBeGreaterThan(0);
        expect(shown(held)).toEqual(shown(room.log.slice(-held.length)));
        expect(state?.log.last).toBe(room.log.length);
        const { past } = state as RoomState;
        if (past) expect(shown(past.entries)).toEqual(shown(room.log.slice(past.first - 1, past.last)));
        // Nothing is on its way any more, and nothing is shown that is not so.
        for (const entry of held) {
          const pending = session.changes.of(room.id, entry.seq);
          expect(pending?.changes ?? []).toEqual([]);
          expect(withPending(entry, pending, userId)).toEqual(entry);
        }
        expect(state?.memberCount).toBe(3);
        for (const each of session.rooms.values()) {
          expect(each.isUnreadKnown).toBe(true);
          const stored = server.rooms.get(each.id) as typeof room;
          expect([each.id, each.unread]).toEqual([each.id, server.unreadOf(stored, userId)]);
          expect({ preview: each.preview }).toEqual(server.previewOf(stored));
          expect(each.readSeq).toBe(server.readSeqOf(stored, userId));
        }
      }
    },
  );

  it('each tab’s chats keep the order in which they were typed', async () => {
    const { room, typed } = await play(7);
    for (const person of ['ann', 'cho']) {
      const mine = (text: string) => text.startsWith(`${person} `);
      const inOrder = typed
        .filter((text) => text.startsWith(`${room.id} `))
        .map((text) => text.slice(room.id.length + 1))
        .filter(mine);
      expect(room.written.filter(mine)).toEqual(inOrder);
    }
  });

  it('no repeat is sent without its mark', async () => {
    let repeats = 0;
    for (const seed of [3, 11, 19]) {
      const { server } = await play(seed);
      const tried = new Map<string, number | undefined>();
      for (const { command } of server.received.toSorted((a, b) => a.at - b.at)) {
        if (command.type !== 'chat.send') continue;
        const { cid, retry_since: since } = command;
        if (tried.has(cid)) {
          repeats++;
          // Always what was known at the first try.
          expect(since).toBe(tried.get(cid) ?? since);
          expect(since).toBeTypeOf('number');
          tried.set(cid, since);
        } else {
          tried.set(cid, since);
        }
      }
    }
    expect(repeats).toBeGreaterThan(15);
  });
});
