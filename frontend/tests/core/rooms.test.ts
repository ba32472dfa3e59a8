import { beforeEach, describe, expect, it } from 'vitest';
import type { Session } from '../../src/core/session';
import { Scene } from './scene';

let scene: Scene;
let room: ReturnType<Scene['server']['addRoom']>;
let ann: Session;
let bob: Session;

const nameFor = (session: Session) => session.rooms.get(room.id)?.name;
const isMuted = (session: Session) => session.rooms.get(room.id)?.muted;

beforeEach(async () => {
  scene = new Scene();
  room = scene.server.addRoom('ping', 'ann', ['bob']);
  ann = await scene.openIn('ann', room.id);
  bob = await scene.open('bob');
});

function snapshotOf(name: string, nameSeq: number) {
  return {
    room_id: room.id,
    name,
    name_seq: nameSeq,
    host_id: 'ann',
    member_count: 2,
    last_seq: 2,
    epoch: room.epoch,
  };
}

describe('a room for two', () => {
  it('is called as the other one, as soon as one knows how that is', () => {
    const pair = { ...snapshotOf('', 0), room_id: 'pair', epoch: 'e-pair', partner_id: 'bob' };
    ann.hear({ type: 'room.joined', room: pair, users: { bob: { nickname: 'bob' } } });
    expect(ann.roomName('pair')).toBe('bob');
    ann.learn({ bob: { nickname: 'Robert' }, cho: { nickname: 'Charlotte' } });
    expect(ann.roomName('pair')).toBe('Robert');
    expect(nameFor(ann)).toBe('ping');
  });
});

describe('a new name', () => {
  it('is seen by everybody, whether they have the room open or not', async () => {
    await Promise.all([ann.renameRoom(room.id, 'pong'), scene.elapse(100)]);
    expect([nameFor(ann), nameFor(bob)]).toEqual(['pong', 'pong']);
    expect(bob.roomName(room.id)).toBe('pong');
    expect(scene.topics).toContain('rooms');
  });

  it('is known after it was missed', async () => {
    scene.unheard(() => scene.server.rename(room, 'pong'));
    expect(nameFor(bob)).toBe('ping');
    scene.server.cutAll();
    await scene.elapse(10_000);
    expect([nameFor(ann), nameFor(bob)]).toEqual(['pong', 'pong']);
  });

  it('is not undone by what is older, in whichever order things come', async () => {
    const held = bob.rooms.get(room.id);
    const before = { ...snapshotOf('ping', 0), last_seq: 3 };
    const at = scene.world.clock.now();
    held?.push([{ seq: 3, user_id: 'ann', at, kind: 'renamed', text: 'pong' }]);
    expect(nameFor(bob)).toBe('pong');
    held?.refresh(before);
    expect(nameFor(bob)).toBe('pong');
    held?.refresh({ ...snapshotOf('smash', 9), last_seq: 12 });
    expect(nameFor(bob)).toBe('smash');
    held?.follow(3, [{ seq: 4, user_id: 'ann', at, kind: 'renamed', text: 'lob' }]);
    expect(nameFor(bob)).toBe('smash');
  });

  it('is still known when the room is gone', async () => {
    await Promise.all([ann.renameRoom(room.id, 'pong'), scene.elapse(100)]);
    scene.server.close(room.id);
    await scene.elapse(100);
    expect(bob.roomName(room.id)).toBe('pong');
  });

  it.each([
    ['room_name_taken', 'ann'],
    ['not_host', 'bob'],
  ])('is refused with %s', async (code, who) => {
    scene.server.addRoom('pong', 'cho');
    const asked = (who === 'ann' ? ann : bob).renameRoom(room.id, 'pong');
    await Promise.all([expect(asked).rejects.toMatchObject({ code }), scene.elapse(100)]);
    expect([nameFor(ann), nameFor(bob)]).toEqual(['ping', 'ping']);
  });
});

describe('muting', () => {
  it('is shown at once, and in the other tabs of the same person only', async () => {
    const tab = await scene.open('ann');
    const done = ann.mute(room.id, true);
    expect(isMuted(ann)).toBe(true);
    await Promise.all([done, scene.elapse(100)]);
    expect([isMuted(ann), isMuted(tab), isMuted(bob)]).toEqual([true, true, false]);
    await Promise.all([tab.mute(room.id, false), scene.elapse(100)]);
    expect([isMuted(ann), isMuted(tab)]).toEqual([false, false]);
  });

  it('is known after a reload, and after it was missed', async () => {
    await Promise.all([ann.mute(room.id, true), scene.elapse(100)]);
    const tab = await scene.open('ann');
    expect(isMuted(tab)).toBe(true);
    scene.server.cutAll();
    scene.server.mute(room, 'ann', false);
    await scene.elapse(10_000);
    expect([isMuted(ann), isMuted(tab)]).toEqual([false, false]);
  });

  it('is told by what completes a room', async () => {
    scene.server.mute(room, 'ann', true);
    const heard = ann.rooms.get(room.id);
    if (heard) heard.isMuted = false;
    scene.world.isVisible = true;
    ann.visibilityChanged();
    await scene.elapse(1_000);
    expect(isMuted(ann)).toBe(true);
  });

  it('is not undone for long by an answer from before it', async () => {
    const { id: room_id, epoch, log } = room;
    const synced = { room_id, epoch, last_seq: log.length, complete: true };
    const late = { type: 'ok', ref: '', users: {}, rooms: [synced] };
    const request = ann.connection.request.bind(ann.connection);
    let arrive = () => {};
    ann.connection.request = (type, ...more) =>
      type === 'room.sync'
        ? new Promise((resolve) => (arrive = () => resolve(late as never)))
        : request(type, ...more);
    await scene.elapse(1_000);
    ann.networkChanged();
    await Promise.all([ann.mute(room.id, true), scene.elapse(100)]);
    arrive();
    await scene.elapse(2_000);
    expect(isMuted(ann)).toBe(true);
  });

  it('snaps back when it is refused', async () => {
    scene.server.takes = (command) => (command.type === 'room.mute' ? 'internal' : true);
    const asked = ann.mute(room.id, true);
    expect(isMuted(ann)).toBe(true);
    await Promise.all([expect(asked).rejects.toMatchObject({ code: 'internal' }), scene.elapse(100)]);
    expect(isMuted(ann)).toBe(false);
  });

  it('that was done though its answer was lost is found out', async () => {
    scene.server.faults.dropReply = 1;
    const asked = expect(ann.mute(room.id, true)).rejects.toMatchObject({ code: 'timeout' });
    await scene.elapse(1_000);
    scene.server.faults.dropReply = 0;
    await Promise.all([asked, scene.elapse(20_000)]);
    expect(isMuted(ann)).toBe(true);
  });

  it('comes to the last wish, one at a time', async () => {
    const wishes = [true, false, true, true, false].map((on) => ann.mute(room.id, on));
    expect(isMuted(ann)).toBe(false);
    await Promise.all([...wishes, scene.elapse(200)]);
    expect(scene.sent('room.mute').map(({ on }) => on)).toEqual([true, false]);
    expect(isMuted(ann)).toBe(false);
    expect(room.mutedBy.has('ann')).toBe(false);
  });

  it('done on two devices at once ends as the server has it', async () => {
    scene.server.faults.delayMs = 40;
    for (let round = 0; round < 40; round++) {
      const tab = await scene.open('ann');
      const both = [ann.mute(room.id, round % 2 === 0), tab.mute(room.id, round % 2 === 1)];
      await Promise.all([...both, scene.elapse(2_000)]);
      const is = room.mutedBy.has('ann');
      expect([isMuted(ann), isMuted(tab)]).toEqual([is, is]);
      tab.abandon();
    }
  });
});
