import { beforeEach, describe, expect, it } from 'vitest';
import { setBlock } from '../../src/core/blocking';
import type { Session } from '../../src/core/session';
import { Scene } from './scene';

let scene: Scene;
let room: ReturnType<Scene['server']['addRoom']>;
let ann: Session;
let bob: Session;

beforeEach(async () => {
  scene = new Scene();
  room = scene.server.addRoom('ping', 'ann', ['bob', 'cho']);
  ann = await scene.open('ann');
  bob = await scene.openIn('bob', room.id);
});

const unread = (session: Session) => session.rooms.get(room.id)?.unread;

async function block(session: Session, userId: string, on = true): Promise<void> {
  await Promise.all([setBlock(session, userId, on), scene.elapse(200)]);
}

describe('somebody who is blocked', () => {
  it('is so on all devices, also on those that come later, and is not told', async () => {
    const tab = await scene.open('ann');
    await block(ann, 'bob');
    const late = await scene.open('ann');
    expect([ann, tab, late].map(({ blocks }) => blocks.has('bob'))).toEqual([true, true, true]);
    expect(bob.blocks.has('ann')).toBe(false);
    expect(scene.topics).toContain('users');
    await block(tab, 'bob', false);
    expect([ann, tab, late].map(({ blocks }) => blocks.has('bob'))).toEqual([false, false, false]);
    expect(ann.blocks.any).toBe(false);
  });

  it('is hidden at once, and again when that is refused', async () => {
    scene.server.takes = (command) => (command.type === 'user.block' ? 'too_many_blocks' : true);
    const asked = setBlock(ann, 'bob', true);
    expect(ann.blocks.has('bob')).toBe(true);
    const refused = expect(asked).rejects.toMatchObject({ code: 'too_many_blocks' });
    await Promise.all([refused, scene.elapse(100)]);
    expect(ann.blocks.has('bob')).toBe(false);
  });

  it('is not counted and not heard, but what is said is read when one looks', async () => {
    await block(ann, 'bob');
    bob.send(room.id, '들려요?');
    await scene.elapse(200);
    bob.signalTyping(room.id);
    await scene.elapse(200);
    expect(unread(ann)).toBe(0);
    expect(ann.typing(room.id)).toEqual([]);
    const cho = await scene.openIn('cho', room.id);
    cho.send(room.id, '저는요?');
    await scene.elapse(200);
    cho.signalTyping(room.id);
    await scene.elapse(200);
    expect(unread(ann)).toBe(1);
    expect(ann.typing(room.id)).toEqual(['cho']);
    // The server, which hides nothing, has to hear that it was seen.
    bob.send(room.id, '여보세요');
    await scene.elapse(200);
    ann.show(room.id);
    await scene.elapse(200);
    ann.look(room.id);
    ann.leaving();
    await scene.elapse(2_000);
    expect(scene.server.readSeqOf(room, 'ann')).toBe(room.log.length);
  });

  it('is not counted in a room of which nothing is held but its last chat', async () => {
    await block(ann, 'bob');
    scene.close(ann);
    bob.send(room.id, '들려요?');
    await scene.elapse(200);
    ann = await scene.open('ann');
    expect(unread(ann)).toBe(0);
    bob.send(room.id, '여보세요?');
    await scene.elapse(200);
    // One of the two is held by now; whose the other is, nobody has said.
    expect([unread(ann), ann.rooms.get(room.id)?.unreadByServer]).toEqual([1, 2]);
    await block(ann, 'bob', false);
    expect(unread(ann)).toBe(2);
  });

  it('alone has been heard since: it is read all the same', async () => {
    await block(ann, 'bob');
    bob.send(room.id, '들려요?');
    await scene.elapse(200);
    ann.show(room.id);
    await scene.elapse(200);
    ann.look(room.id);
    ann.leaving();
    await scene.elapse(2_000);
    expect(scene.server.readSeqOf(room, 'ann')).toBe(room.log.length);
  });

  it('on two devices at once ends as the server has it', async () => {
    scene.server.faults.delayMs = 40;
    for (let round = 0; round < 40; round++) {
      const tab = await scene.open('ann');
      const wishes = [ann, tab].map((each, i) => setBlock(each, 'bob', (round + i) % 2 === 0));
      await Promise.all([...wishes, scene.elapse(2_000)]);
      const is = scene.server.blockedBy('ann').has('bob');
      expect([ann, tab].map(({ blocks }) => blocks.has('bob'))).toEqual([is, is]);
      tab.abandon();
    }
  });

  it('though the answer was lost is found out', async () => {
    scene.server.faults.dropReply = 1;
    const asked = expect(setBlock(ann, 'bob', true)).rejects.toMatchObject({ code: 'timeout' });
    await scene.elapse(1_000);
    scene.server.faults.dropReply = 0;
    await Promise.all([asked, scene.elapse(20_000)]);
    expect(ann.blocks.has('bob')).toBe(true);
  });
});
