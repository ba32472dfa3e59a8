import { beforeEach, describe, expect, it } from 'vitest';
import { Lister } from '../../src/core/lister';
import type { RoomsReply } from '../../src/protocol';
import { FakeClock, settle } from './fakes';

describe('the lister', () => {
  let clock: FakeClock;
  let lister: Lister;
  let isOnline = true;
  const asked: string[][] = [];
  let answers: ((reply: RoomsReply | Error) => void)[];
  /** Answer the oldest question. */
  const answer = (...more: string[]) => {
    answers.shift()?.({ rooms: [], users: {}, more_room_ids: more } as unknown as RoomsReply);
    return settle();
  };

  beforeEach(() => {
    clock = new FakeClock();
    isOnline = true;
    asked.length = 0;
    answers = [];
    lister = new Lister(clock, {
      online: () => isOnline,
      request: (roomIds) => {
        asked.push([...roomIds]);
        return new Promise((resolve, reject) => {
          answers.push((reply) => (reply instanceof Error ? reject(reply) : resolve(reply)));
        });
      },
      took: () => {},
      uncounted: () => [],
    });
  });

  it('asks again for a room that is doubted while it is being asked for', async () => {
    lister.add(['a', 'b']);
    lister.doubt('a');
    await clock.elapse(1_000);
    await answer();
    expect(asked).toEqual([['a', 'b'], ['a']]);
    await answer();
    expect(asked).toHaveLength(2);
    expect(lister.isListing).toBe(false);
  });

  it('asks for what is left, and for each room once', async () => {
    lister.add(['a', 'b', 'c']);
    lister.add(['c', 'd']);
    await answer('b', 'c');
    expect(asked).toEqual([
      ['a', 'b', 'c'],
      ['b', 'c', 'd'],
    ]);
    expect(lister.isListing).toBe(true);
    // No progress would mean to ask for ever.
    await answer('b', 'c', 'd');
    expect(asked).toHaveLength(2);
    expect(lister.isListing).toBe(false);
  });

  it('keeps what could not be asked for, but for rooms that are gone', async () => {
    lister.add(['a', 'b']);
    lister.add(['c']);
    lister.forget('b');
    isOnline = false;
    answers.shift()?.(new Error('lost'));
    await settle();
    expect(lister.roomIds).toEqual(['a', 'c']);
    isOnline = true;
    void lister.run();
    expect(asked.at(-1)).toEqual(['a', 'c']);
  });
});
