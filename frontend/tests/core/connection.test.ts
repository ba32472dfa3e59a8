import { beforeEach, describe, expect, it } from 'vitest';
import { Connection, REPLY_MS, type ConnectionState } from '../../src/core/connection';
import type { AnyEvent } from '../../src/protocol';
import { fakeWorld, settle, type FakeSocket, type FakeWorld } from './fakes';

const HELLO = { me: { user_id: 'ann', nickname: 'Ann' }, rooms: [], users: {}, now: 0 };

let world: FakeWorld;
let states: ConnectionState[];
let heard: string[];
let connection: Connection;

const socket = (): FakeSocket => world.sockets.at(-1) as FakeSocket;

async function goOnline(): Promise<void> {
  connection.start();
  socket().events.opened();
  await settle();
  socket().answer('session.hello', HELLO);
  await settle();
}

beforeEach(() => {
  world = fakeWorld();
  states = [];
  heard = [];
  connection = new Connection(world, {
    changed: (state) => states.push(state),
    hello: () => heard.push('hello'),
    event: (event: AnyEvent) => heard.push(event.type),
  });
});

describe('Connection', () => {
  it('greets first, and is online when the greeting is answered', async () => {
    await goOnline();
    expect(states).toEqual(['connecting', 'hello', 'online']);
    expect(socket().sent[0]?.type).toBe('session.hello');
  });

  it('hands over events that overtook the greeting’s answer after it', async () => {
    connection.start();
    socket().events.opened();
    await settle();
    socket().receive({ type: 'room.left', room_id: 'r' });
    expect(heard).toEqual([]);
    socket().answer('session.hello', HELLO);
    await settle();
    expect(heard).toEqual(['hello', 'room.left']);
  });

  it('waits longer after every failure, up to half a minute', async () => {
    connection.start();
    const pauses: number[] = [];
    for (let i = 0; i < 9; i++) {
      const dials = world.sockets.length;
      socket().events.closed();
      await settle();
      let pause = 0;
      while (world.sockets.length === dials) {
        await world.clock.elapse(100);
        pause += 100;
      }
      pauses.push(pause);
    }
    expect(pauses[0]).toBeLessThanOrEqual(700);
    expect(pauses[4]).toBeGreaterThan(pauses[0] as number);
    expect(Math.max(...pauses)).toBeLessThanOrEqual(30_100);
  });

  it('dials at once when the network is back', async () => {
    await goOnline();
    world.isOnline = false;
    connection.networkChanged();
    expect(connection.state).toBe('offline');
    expect(world.sockets[0]?.closed).toBe(true);
    world.isOnline = true;
    connection.networkChanged();
    expect(connection.state).toBe('connecting');
    expect(world.sockets).toHaveLength(2);
  });

  it('dials at once when somebody looks', async () => {
    connection.start();
    socket().events.closed();
    expect(connection.state).toBe('waiting');
    connection.hurry();
    expect(connection.state).toBe('connecting');
  });

  it('is signed out when a handshake failed and the session is over', async () => {
    world.isSignedIn = false;
    connection.start();
    socket().events.closed();
    await settle();
    expect(connection.state).toBe('signed_out');
    await world.clock.elapse(120_000);
    expect(world.sockets).toHaveLength(1);
  });

  it.each([
    ['signed_out', ''],
    ['suspended', 'suspended'],
    ['consent_required', 'consent_required'],
  ])('is signed out when a greeting is refused as %s, and says why', async (code, refusal) => {
    connection.start();
    socket().events.opened();
    await settle();
    const { ref } = socket().last('session.hello');
    socket().receive({ type: 'error', ref, code, message: 'm' });
    await settle();
    expect(connection.state).toBe('signed_out');
    expect(connection.refusal).toBe(refusal);
    await world.clock.elapse(120_000);
    expect(world.sockets).toHaveLength(1);
  });

  it('keeps trying when nobody can say whether the session is over', async () => {
    world.isSignedIn = undefined;
    connection.start();
    socket().events.closed();
    await world.clock.elapse(2_000);
    expect(world.sockets.length).toBeGreaterThan(1);
  });

  async function failAndDialAgain(): Promise<void> {
    const dials = world.sockets.length;
    socket().events.closed();
    while (world.sockets.length === dials) await world.clock.elapse(500);
  }

  it('asks less and less often whether the session is over', async () => {
    const asked: number[] = [];
    world.signedIn = async () => {
      asked.push(world.sockets.length);
      return true;
    };
    connection.start();
    for (let dials = 1; dials <= 20; dials++) await failAndDialAgain();
    expect(asked).toEqual([1, 2, 4, 8, 16]);
  });

  it('finds out later, too, that the session is over', async () => {
    connection.start();
    await failAndDialAgain();
    world.isSignedIn = false;
    socket().events.closed();
    await settle();
    expect(connection.state).toBe('signed_out');
  });

  it('gives every command the answer with its ref', async () => {
    await goOnline();
    const one = connection.request('room.read', { room_id: 'a', seq: 1 });
    const two = connection.request('room.read', { room_id: 'b', seq: 2 });
    const [, first, second] = socket().sent;
    socket().receive({ type: 'error', ref: second?.ref, code: 'not_member', message: 'm' });
    socket().receive({ type: 'ok', ref: first?.ref });
    await expect(one).resolves.toMatchObject({ type: 'ok' });
    await expect(two).rejects.toMatchObject({ code: 'not_member' });
  });

  it('fails what waits when the connection breaks', async () => {
    await goOnline();
    const asked = connection.request('room.read', { room_id: 'a', seq: 1 });
    socket().events.closed();
    await expect(asked).rejects.toMatchObject({ code: 'lost' });
    await expect(connection.request('room.read', { room_id: 'a', seq: 1 })).rejects.toMatchObject({
      code: 'lost',
    });
  });

  it('drops a connection on which nothing came since an unanswered command', async () => {
    await goOnline();
    const asked = connection.request('room.read', { room_id: 'a', seq: 1 });
    const refused = expect(asked).rejects.toMatchObject({ code: 'timeout' });
    await world.clock.elapse(REPLY_MS);
    await refused;
    expect(world.sockets[0]?.closed).toBe(true);
  });

  it('keeps a connection that is merely slow with one command', async () => {
    await goOnline();
    const asked = connection.request('room.read', { room_id: 'a', seq: 1 });
    const refused = expect(asked).rejects.toMatchObject({ code: 'timeout' });
    await world.clock.elapse(1_000);
    socket().receive({ type: 'room.left', room_id: 'r' });
    await world.clock.elapse(REPLY_MS);
    await refused;
    expect(connection.state).toBe('online');
  });

  it.each(['', 'null', '[]', '{', '"text"', '{"type":7}', '{"message":"Internal server error"}'])(
    'survives the frame %j',
    async (frame) => {
      await goOnline();
      socket().events.frame(frame);
      expect(connection.state).toBe('online');
    },
  );

  it.each(['[]', '{}', '{"type":7}', '{"ref":"1"}'])(
    'does not take %s for the failure of the command that waits',
    async (frame) => {
      await goOnline();
      const asked = connection.request('room.read', { room_id: 'a', seq: 1 });
      socket().events.frame(frame);
      socket().answer('room.read', {});
      await expect(asked).resolves.toMatchObject({ type: 'ok' });
    },
  );

  it('takes API Gateway’s own error for the only command that waits', async () => {
    await goOnline();
    const asked = connection.request('room.read', { room_id: 'a', seq: 1 });
    socket().receive({ message: 'Internal server error', connectionId: 'c', requestId: 'r' });
    await expect(asked).rejects.toMatchObject({ code: 'internal' });
  });

  describe('before API Gateway’s two hours are over', () => {
    const old = (): FakeSocket => world.sockets[0] as FakeSocket;

    /** The time has come: there is a second socket. */
    async function comeToTheEnd(): Promise<void> {
      await goOnline();
      await world.clock.elapse(100 * 60_000);
      expect(world.sockets).toHaveLength(1);
      while (world.sockets.length === 1) await world.clock.elapse(1_000);
      states = [];
    }

    async function open(): Promise<void> {
      socket().events.opened();
      await settle();
    }

    async function greet(): Promise<void> {
      socket().answer('session.hello', HELLO);
      await settle();
    }

    it('has a new connection take over, without a moment offline', async () => {
      await comeToTheEnd();
      expect(old().closed).toBe(false);
      await open();
      expect(connection.state).toBe('online');
      await greet();
      expect(old().closed).toBe(true);
      expect(states).toEqual(['online']);
      void connection.request('room.read', { room_id: 'a', seq: 1 }).catch(() => {});
      await settle();
      expect(socket().last('room.read')).toMatchObject({ room_id: 'a' });
    });

    it('lets commands on their way be answered first', async () => {
      await comeToTheEnd();
      const asked = connection.request('room.read', { room_id: 'a', seq: 1 });
      await open();
      expect(socket().sent).toEqual([]);
      old().answer('room.read', {});
      await expect(asked).resolves.toMatchObject({ type: 'ok' });
      await settle();
      expect(socket().sent[0]?.type).toBe('session.hello');
      await greet();
      expect(states).toEqual(['online']);
    });

    it('sends what is asked for meanwhile over the new one, in order', async () => {
      await comeToTheEnd();
      await open();
      for (const seq of [1, 2]) {
        void connection.request('room.read', { room_id: 'a', seq }).catch(() => {});
      }
      await settle();
      expect(old().sent.filter(({ type }) => type === 'room.read')).toEqual([]);
      await greet();
      const sent = socket().sent.filter(({ type }) => type === 'room.read');
      expect(sent.map(({ seq }) => seq)).toEqual([1, 2]);
    });

    it('hands over what came over both after the greeting’s answer, which may be older', async () => {
      await comeToTheEnd();
      await open();
      heard = [];
      old().receive({ type: 'room.left', room_id: 'r' });
      socket().receive({ type: 'room.closed', room_id: 'r' });
      expect(heard).toEqual([]);
      await greet();
      expect(heard).toEqual(['hello', 'room.left', 'room.closed']);
    });

    it.each([
      ['does not open', async () => {}],
      ['is refused', async () => socket().events.closed()],
      ['is not greeted', open],
    ])('goes on with the one there is when the other %s, and tries again', async (_, happen) => {
      await comeToTheEnd();
      await happen();
      heard = [];
      old().receive({ type: 'room.left', room_id: 'r' });
      const asked = connection.request('room.read', { room_id: 'a', seq: 1 });
      while (world.sockets.length === 2) {
        await world.clock.elapse(1_000);
        if (old().sent.at(-1)?.type === 'room.read') old().answer('room.read', {});
      }
      await expect(asked).resolves.toMatchObject({ type: 'ok' });
      expect(heard).toEqual(['room.left']);
      expect(states).toEqual([]);
      await open();
      await greet();
      expect(old().closed).toBe(true);
    });

    it('waits only a moment for a command that is never answered', async () => {
      await comeToTheEnd();
      const asked = connection.request('room.read', { room_id: 'a', seq: 1 });
      const refused = expect(asked).rejects.toMatchObject({ code: 'lost' });
      await open();
      await world.clock.elapse(4_000);
      await greet();
      await refused;
      // As after any other loss: whoever waited for an answer begins anew.
      expect(states).toEqual(['hello', 'online']);
    });

    it('dials as ever when the old one ends in the middle of it', async () => {
      await comeToTheEnd();
      await open();
      const asked = connection.request('room.read', { room_id: 'a', seq: 1 });
      const refused = expect(asked).rejects.toMatchObject({ code: 'lost' });
      old().events.closed();
      await refused;
      expect(connection.state).toBe('waiting');
      expect(world.sockets[1]?.closed).toBe(true);
      await world.clock.elapse(1_000);
      expect(world.sockets).toHaveLength(3);
    });

    it('is signed out when the new one says so', async () => {
      await comeToTheEnd();
      await open();
      const { ref } = socket().last('session.hello');
      socket().receive({ type: 'error', ref, code: 'signed_out', message: 'm' });
      await settle();
      expect(connection.state).toBe('signed_out');
      expect(old().closed).toBe(true);
    });
  });

  it('does not listen to a socket that it has given up', async () => {
    await goOnline();
    const old = socket();
    world.isOnline = false;
    connection.networkChanged();
    old.receive({ type: 'room.left', room_id: 'r' });
    expect(heard).toEqual(['hello']);
  });
});
