import { describe, expect, it } from 'vitest';
import type { World } from '../../src/core/ports';
import { Session } from '../../src/core/session';
import { FakeBrowser, FakeClock, seeded } from './fakes';
import { FakeServer, NO_FAULTS } from './server';

const PEOPLE = ['ann', 'bob', 'cho'];

interface Desk {
  userId: string;
  browser: FakeBrowser;
  tab: ReturnType<FakeBrowser['openTab']>;
  session: Session;
}

/** Chats, reloads and network faults at random, then peace. */
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
  const desks = PEOPLE.map((person) => open(person, new FakeBrowser()));
  await clock.elapse(5_000);

  server.faults = {
    dropEvent: 0.2,
    duplicate: 0.2,
    dropReply: 0.1,
    dropCommand: 0.1,
    error: 0.05,
    cut: 0.03,
    delayMs: 400,
  };
  for (let step = 0; step < 60; step++) {
    const at = Math.floor(random() * desks.length);
    const desk = desks[at] as Desk;
    const dice = random();
    if (dice < 0.6) {
      const where = random() < 0.8 || desk.userId === 'ann' ? room : other;
      const text = `${desk.userId} ${step}`;
      if (desk.session.me) {
        desk.session.send(where.id, text);
        typed.push(`${where.id} ${text}`);
      }
    } else if (dice < 0.7) {
      server.cutAll(desk.userId);
    } else if (dice < 0.8) {
      network.set(desk.userId, !network.get(desk.userId));
      desk.session.networkChanged();
    } else if (dice < 0.85) {
      // A reload: nothing of the old page runs on, only what it stored is left.
      desk.tab.close();
      desk.session.abandon();
      desks[at] = open(desk.userId, desk.browser);
    }
    await clock.elapse(random() * 4_000);
  }
  server.faults = { ...NO_FAULTS };
  for (const desk of desks) {
    network.set(desk.userId, true);
    desk.session.networkChanged();
  }
  await clock.elapse(15 * 60_000);
  return { server, desks, room, other, typed };
}

describe('after faults of every kind', () => {
  it.each(Array.from({ length: 40 }, (_, i) => i + 1))(
    'every chat appears once, in the same order for everybody (seed %i)',
    async (seed) => {
      const { server, desks, room, other, typed } = await play(seed);
      const said = [
        ...server.said(room.id).map((text) => `${room.id} ${text}`),
        ...server.said(other.id).map((text) => `${other.id} ${text}`),
      ];
      // A chat may be left in the outbox only as failed, where its author can repeat it.
      const failed = desks.flatMap((desk) =>
        [room, other].flatMap(({ id }) => desk.session.outgoing(id).map((o) => `${id} ${o.text}`)),
      );
      expect([...said, ...failed].sort()).toEqual([...typed].sort());
      expect(failed).toEqual([]);
      for (const { session } of desks) {
        const log = session.rooms.get(room.id)?.log;
        expect(log?.entries.map((entry) => entry.seq)).toEqual(
          room.log.slice(-(log?.entries.length ?? 0)).map((entry) => entry.seq),
        );
        expect(log?.last).toBe(room.log.length);
        expect(session.rooms.get(room.id)?.memberCount).toBe(3);
      }
    },
  );

  it('each author’s chats keep the order in which they were typed', async () => {
    const { server, room, typed } = await play(7);
    for (const person of PEOPLE) {
      const mine = (text: string) => text.startsWith(`${person} `);
      const inOrder = typed
        .filter((text) => text.startsWith(`${room.id} `))
        .map((text) => text.slice(room.id.length + 1))
        .filter(mine);
      expect(server.said(room.id).filter(mine)).toEqual(inOrder);
    }
  });

  it('no repeat is sent without its mark, or sooner than 12 s after the try before', async () => {
    for (const seed of [3, 11, 19]) {
      const { server } = await play(seed);
      const tries = new Map<string, number>();
      for (const { at, command } of server.received) {
        if (command.type !== 'chat.send') continue;
        const before = tries.get(command.cid);
        // What arrives may have been under way for 0.4 s.
        if (before !== undefined) {
          expect(command.retry_since).toBeTypeOf('number');
          expect(at - before).toBeGreaterThan(11_500);
        }
        tries.set(command.cid, at);
      }
      expect(tries.size).toBeGreaterThan(5);
    }
  });
});
