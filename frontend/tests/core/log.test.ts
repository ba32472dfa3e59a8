import { describe, expect, it } from 'vitest';
import { Log } from '../../src/core/log';
import type { Entry } from '../../src/protocol';
import { seeded } from './fakes';

const entry = (seq: number): Entry => ({ seq, user_id: 'ann', at: seq * 1000, text: `chat ${seq}` });
const seqs = (entries: Entry[]) => entries.map((each) => each.seq);

describe('Log', () => {
  it('appends what follows, and ignores what it has', () => {
    const log = Log.of([entry(4), entry(5)], true);
    expect(seqs(log.push([entry(5), entry(6), entry(4)]))).toEqual([6]);
    expect([log.first, log.last]).toEqual([4, 6]);
  });

  it('holds back what is ahead of a gap until the gap is closed', () => {
    const log = new Log(3);
    expect(log.push([entry(6), entry(5)])).toEqual([]);
    expect(log.hasGap).toBe(true);
    expect(seqs(log.push([entry(4)]))).toEqual([4, 5, 6]);
    expect(log.hasGap).toBe(false);
  });

  it('takes a synced page whose beginning it already has', () => {
    const log = Log.of([entry(1), entry(2), entry(3)], false);
    expect(seqs(log.follow(1, [entry(2), entry(3), entry(4)]))).toEqual([4]);
  });

  it('does not take a page that begins beyond its end as if nothing were missing', () => {
    const log = Log.of([entry(1)], false);
    expect(log.follow(4, [entry(5)])).toEqual([]);
    expect(log.last).toBe(1);
    expect(log.hasGap).toBe(true);
  });

  it('puts older pages before it', () => {
    const log = Log.of([entry(4), entry(5)], true);
    log.precede([entry(2), entry(3), entry(4)], false);
    expect(seqs(log.entries)).toEqual([2, 3, 4, 5]);
    expect(log.hasBefore).toBe(false);
  });

  it('forgets the oldest and says that there are older ones', () => {
    const log = Log.of([entry(1), entry(2), entry(3)], false);
    log.trim(1);
    expect([seqs(log.entries), log.first, log.hasBefore]).toEqual([[3], 3, true]);
    log.trim(0);
    expect([log.first, log.last]).toEqual([4, 3]);
  });

  it.each([1, 2, 3, 4, 5])('is the same whatever the order of arrival (seed %i)', (seed) => {
    const random = seeded(seed);
    const arrivals = Array.from({ length: 200 }, (_, i) => entry(i + 1))
      .flatMap((each) => (random() < 0.3 ? [each, each] : [each]))
      .map((each) => ({ each, at: each.seq + random() * 30 }))
      .sort((a, b) => a.at - b.at);
    const log = new Log(0);
    const added = arrivals.flatMap(({ each }) => log.push([each]));
    expect(seqs(added)).toEqual(Array.from({ length: 200 }, (_, i) => i + 1));
    expect(log.entries).toEqual(added);
  });
});
