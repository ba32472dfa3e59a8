import { beforeEach, describe, expect, it } from 'vitest';
import { setBlock } from '../../src/core/blocking';
import type { Session } from '../../src/core/session';
import type { User } from '../../src/protocol';
import { Scene } from './scene';

let scene: Scene;
let room: ReturnType<Scene['server']['addRoom']>;
let other: ReturnType<Scene['server']['addRoom']>;
let ann: Session;

beforeEach(async () => {
  scene = new Scene();
  room = scene.server.addRoom('ping', 'ann', ['bob']);
  other = scene.server.addRoom('pong', 'ann', ['bob']);
  ann = await scene.openIn('ann', room.id);
});

/** Ann hears what somebody is called. */
async function hears(users: Record<string, User>): Promise<void> {
  scene.server.sendTo('ann', { type: 'entries.added', room_id: room.id, entries: [], users });
  await scene.elapse(100);
}

describe('a name in one room', () => {
  it('is seen in that room only, also while another one is shown', async () => {
    await hears({ [`${room.id}/bob`]: { nickname: '달리기', seq: 5 } });
    const called = () => [ann.called('bob'), ann.called('bob', room.id), ann.called('bob', other.id)];
    expect(called()).toEqual(['달리기', '달리기', 'bob']);
    ann.show(other.id);
    expect(called()).toEqual(['bob', '달리기', 'bob']);
    ann.show(null);
    expect(called()).toEqual(['bob', '달리기', 'bob']);
    expect(ann.called('nobody')).toBeUndefined();
  });

  it('stands when the account is called something else', async () => {
    await hears({ [`${room.id}/bob`]: { nickname: '달리기', seq: 5 } });
    await hears({ bob: { nickname: '새 이름' } });
    expect([ann.called('bob'), ann.called('bob', other.id)]).toEqual(['달리기', '새 이름']);
  });

  it('is the one of the last notice, whatever is heard last', async () => {
    const key = `${room.id}/bob`;
    await hears({ [key]: { nickname: '나중', seq: 7 } });
    scene.topics.length = 0;
    await hears({ [key]: { nickname: '먼저', seq: 5 } });
    expect(ann.called('bob')).toBe('나중');
    expect(scene.topics).not.toContain('users');
    // Taken again: what was between must not come back.
    await hears({ [key]: { nickname: '나중', seq: 11 } });
    await hears({ [key]: { nickname: '사이', seq: 9 } });
    expect(ann.called('bob')).toBe('나중');
    await hears({ [key]: { nickname: '', seq: 13 } });
    expect(ann.called('bob')).toBe('bob');
    expect(scene.topics).toContain('users');
    await hears({ [key]: { nickname: '사이', seq: 9 } });
    expect(ann.called('bob')).toBe('bob');
  });
});

it('whoever blocks somebody says where they met, and not when they end it', async () => {
  const asked = () => scene.server.received.flatMap(({ command }) => (command.type === 'user.block' ? [command.room_id] : []));
  await Promise.all([setBlock(ann, 'bob', true, room.id), scene.elapse(200)]);
  await Promise.all([setBlock(ann, 'bob', false), scene.elapse(200)]);
  expect(asked()).toEqual([room.id, undefined]);
});
