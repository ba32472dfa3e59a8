import type { Entry } from '../protocol';

/** How many entries that lie behind a gap are kept until the gap is closed. */
const AHEAD_MAX = 500;

/**
 * What a client holds of one room's log: every entry from `first` to `last`, in order, each
 * once and in the latest of the states that came. Entries that arrive ahead of `last` wait in
 * the wings until the gap is closed.
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

  /** Whether every entry after `after`, up to and including `upTo`, is held. */
  holds(after: number, upTo: number): boolean {
    return upTo <= after || (this.#first <= after + 1 && upTo <= this.#last);
  }

  /** Take pushed entries, in any order. Returns those that now follow the log, in order. */
  push(entries: Entry[]): Entry[] {
    for (const entry of entries) {
      const isHeld = entry.seq <= this.#last || this.#ahead.has(entry.seq);
      if (isHeld) this.#renew(entry);
      else if (this.#ahead.size < AHEAD_MAX) this.#ahead.set(entry.seq, entry);
    }
    const added = this.#drain();
    this.#change(entries);
    return added;
  }

  /**
   * Take entries that follow `after` without a gap, as replies give them. Returns those that
   * are new, in order.
   */
  follow(after: number, entries: Entry[]): Entry[] {
    if (after > this.#last) return this.push(entries);
    const added: Entry[] = [];
    for (const entry of entries) {
      if (entry.seq <= this.#last) {
        this.#renew(entry);
      } else {
        this.#append(entry);
        added.push(entry);
      }
    }
    added.push(...this.#drain());
    this.#change(entries);
    return added;
  }

  /** Put an older page before the log. */
  precede(page: Entry[], hasBefore: boolean): void {
    const older: Entry[] = [];
    for (const entry of page) {
      if (entry.seq < this.#first) older.push(entry);
      else this.#renew(entry);
    }
    this.entries = older.concat(this.entries);
    this.#first = older[0]?.seq ?? this.#first;
    this.hasBefore = hasBefore;
    // The page may have been read before changes that came while it was on its way.
    this.learnFrom(this);
  }

  /** What a part of the same log knows of chats that are held here. */
  learnFrom(part: Log): void {
    this.#change(part.#all);
  }

  /** These are taken in elsewhere; what they say of chats that are held is taken note of here. */
  learn(entries: Entry[]): void {
    for (const entry of entries) this.#renew(entry);
    this.#change(entries);
  }

  /** The latest state of a chat that was read before what is held here may have come. */
  latest(chat: Entry): Entry {
    let found = chat;
    for (const { changed } of this.#all) {
      if (changed?.seq === chat.seq) found = laterOf(found, changed);
    }
    return found;
  }

  /** Forget all but the newest `count` entries. */
  trim(count: number): void {
    const surplus = this.entries.length - count;
    if (surplus <= 0) return;
    this.entries = this.entries.slice(surplus);
    this.#first = this.entries[0]?.seq ?? this.#last + 1;
    this.hasBefore = true;
  }

  /** What stands at `seq`, if it is held. */
  at(seq: number): Entry | undefined {
    const entry = this.entries[seq - this.#first];
    return entry?.seq === seq ? entry : undefined;
  }

  /** What is held, and what waits in the wings. */
  get #all(): Entry[] {
    return [...this.entries, ...this.#ahead.values()];
  }

  /** Of two states of an entry that is held, keep the later. */
  #renew(entry: Entry): void {
    if (this.at(entry.seq)) {
      const index = entry.seq - this.#first;
      this.entries[index] = laterOf(this.entries[index] as Entry, entry);
    }
    const waiting = this.#ahead.get(entry.seq);
    if (waiting) this.#ahead.set(entry.seq, laterOf(waiting, entry));
  }

  /**
   * Bring the chats that `changed` entries speak of up to date, wherever in the log those
   * entries stand: which state of a chat is the later one is said by its version alone.
   */
  #change(entries: Entry[]): void {
    for (const { changed } of entries) if (changed) this.#renew(changed);
  }

  #append(entry: Entry): void {
    const waiting = this.#ahead.get(entry.seq);
    this.entries.push(waiting ? laterOf(waiting, entry) : entry);
    this.#last = entry.seq;
    this.#ahead.delete(entry.seq);
    this.#change([this.entries.at(-1) as Entry]);
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

/** The later of two states of one chat; the one that is held, if they are the same. */
export function laterOf(held: Entry, other: Entry): Entry {
  return (other.version ?? 0) > (held.version ?? 0) ? other : held;
}
