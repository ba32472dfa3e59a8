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

  it('takes API Gateway’s own error for the only command that waits', async () => {
    await goOnline();
    const asked = connection.request('room.read', { room_id: 'a', seq: 1 });
    socket().receive({ message: 'Internal server error', connectionId: 'c', requestId: 'r' });
    await expect(asked).rejects.toMatchObject({ code: 'internal' });
  });

  it('dials anew before API Gateway’s two hours are over', async () => {
    await goOnline();
    await world.clock.elapse(100 * 60_000);
    expect(world.sockets).toHaveLength(1);
    await world.clock.elapse(16 * 60_000);
    expect(world.sockets.length).toBeGreaterThan(1);
    expect(world.sockets[0]?.closed).toBe(true);
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
