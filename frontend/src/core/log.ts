import type { Entry } from '../protocol';

/** How many entries that lie behind a gap are kept until the gap is closed. */
const AHEAD_MAX = 500;

/**
 * What a client holds of one room's log: every entry from `first` to `last`, in order, each
 * once. Entries that arrive ahead of `last` wait in the wings until the gap is closed.
 */
export class Log {
  entries: Entry[] = [];
  hasBefore: boolean;
  #first: number;
  #last: number;
  #ahead = new Map<number, Entry>();

  /** An empty log that goes on after `last`. */
  constructor(last: number, hasBefore = last > 0) {
    this.#first = last + 1;
    this.#last = last;
    this.hasBefore = hasBefore;
  }

  /** A log that holds a page, which is free of gaps by contract. */
  static of(page: Entry[], hasBefore: boolean): Log {
    const log = new Log((page[0]?.seq ?? 1) - 1, hasBefore);
    log.follow(log.last, page);
    return log;
  }

  get first(): number {
    return this.#first;
  }

  get last(): number {
    return this.#last;
  }

  /** Whether entries are known to be missing. */
  get hasGap(): boolean {
    return this.#ahead.size > 0;
  }

  /** Take pushed entries, in any order. Returns those that now follow the log, in order. */
  push(entries: Entry[]): Entry[] {
    for (const entry of entries) {
      if (entry.seq > this.#last && this.#ahead.size < AHEAD_MAX) this.#ahead.set(entry.seq, entry);
    }
    return this.#drain();
  }

  /**
   * Take entries that follow `after` without a gap, as replies give them. Returns those that
   * are new, in order.
   */
  follow(after: number, entries: Entry[]): Entry[] {
    if (after > this.#last) return this.push(entries);
    const added: Entry[] = [];
    for (const entry of entries) {
      if (entry.seq <= this.#last) continue;
      this.#append(entry);
      added.push(entry);
    }
    return added.concat(this.#drain());
  }

  /** Put an older page before the log. */
  precede(page: Entry[], hasBefore: boolean): void {
    const older = page.filter((entry) => entry.seq < this.#first);
    this.entries = older.concat(this.entries);
    this.#first = older[0]?.seq ?? this.#first;
    this.hasBefore = hasBefore;
  }

  /** Forget all but the newest `count` entries. */
  trim(count: number): void {
    const surplus = this.entries.length - count;
    if (surplus <= 0) return;
    this.entries = this.entries.slice(surplus);
    this.#first = this.entries[0]?.seq ?? this.#last + 1;
    this.hasBefore = true;
  }

  #append(entry: Entry): void {
    this.entries.push(entry);
    this.#last = entry.seq;
    this.#ahead.delete(entry.seq);
  }

  #drain(): Entry[] {
    const added: Entry[] = [];
    for (const seq of this.#ahead.keys()) if (seq <= this.#last) this.#ahead.delete(seq);
    let next: Entry | undefined;
    while ((next = this.#ahead.get(this.#last + 1))) {
      this.#append(next);
      added.push(next);
    }
    return added;
  }
}
