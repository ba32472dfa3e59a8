import type { Entry } from '../protocol';
import type { Log } from './log';

/** What the server says about a room, as of its `lastSeq`. */
export interface ReadState {
  readSeq: number;
  /** How many chats there are after `readSeq`, up to `lastSeq`. */
  unread: number;
  lastSeq: number;
}

/**
 * How many chats of others a person has not read in one room. The server says it once, as of a
 * place in the log; from there it is counted on with what is appended. Where the log itself is
 * held from the read position on, that is counted.
 */
export class UnreadCount {
  readSeq: number;
  #upTo: number;
  /** Chats after `readSeq` up to `#upTo`; at most so many while `#isKnown` is false. */
  #count: number;
  #isKnown = true;

  constructor(
    state: ReadState,
    private readonly me: string,
  ) {
    this.readSeq = state.readSeq;
    this.#count = state.unread;
    this.#upTo = state.lastSeq;
  }

  /** Exact if `isKnown`, else never too few. */
  value(log: Log): number {
    this.#recount(log);
    return this.#count;
  }

  /** Whether the count is exact; if not, only the server can tell. */
  isKnown(log: Log): boolean {
    this.#recount(log);
    return this.#isKnown;
  }

  /** An entry has been appended to the log. Saying something reads everything before it. */
  appended(entry: Entry, log: Log): void {
    if (isChat(entry) && entry.user_id === this.me) this.markRead(entry.seq, log);
    if (entry.seq <= this.#upTo) return;
    this.#upTo = entry.seq;
    if (entry.seq > this.readSeq && this.#isOthers(entry)) this.#count++;
  }

  /** The person has read up to `seq`, here or elsewhere. */
  markRead(seq: number, log: Log): void {
    if (seq <= this.readSeq) return;
    const before = this.readSeq;
    this.readSeq = seq;
    if (this.#upTo <= seq) {
      this.#set(0, seq);
    } else if (!this.#recount(log)) {
      const isPassed = this.#isKnown && log.holds(before, seq);
      const passed = isPassed ? this.#countIn(log, before, seq) : 0;
      this.#isKnown = isPassed;
      this.#count = Math.min(this.#count - passed, this.#upTo - seq);
    }
  }

  /** Take what the server says; it may be older or newer than what is known here. */
  take(state: ReadState, log: Log): void {
    if (state.readSeq < this.readSeq) {
      // Counted from another place. Of use only where the log has jumped ahead.
      if (this.#upTo >= log.first - 1) return;
      const count = Math.max(0, Math.min(state.unread, state.lastSeq - this.readSeq));
      this.#set(count, Math.max(state.lastSeq, this.#upTo));
      this.#isKnown = count === 0;
    } else if (log.holds(state.lastSeq, log.last)) {
      this.readSeq = state.readSeq;
      const since = log.last > state.lastSeq ? this.#countIn(log, state.lastSeq, log.last) : 0;
      this.#set(state.unread + since, Math.max(state.lastSeq, log.last));
    } else {
      this.markRead(state.readSeq, log);
    }
  }

  /** Count from the log itself, if it is held. */
  #recount(log: Log): boolean {
    if (this.#upTo > log.last || !log.holds(this.readSeq, log.last)) return false;
    this.#set(this.#countIn(log, this.readSeq, log.last), Math.max(log.last, this.readSeq));
    return true;
  }

  #set(count: number, upTo: number): void {
    this.#count = count;
    this.#upTo = upTo;
    this.#isKnown = true;
  }

  #countIn(log: Log, after: number, upTo: number): number {
    let count = 0;
    for (let i = log.entries.length - 1; i >= 0; i--) {
      const entry = log.entries[i] as Entry;
      if (entry.seq <= after) break;
      if (entry.seq <= upTo && this.#isOthers(entry)) count++;
    }
    return count;
  }

  #isOthers(entry: Entry): boolean {
    return isChat(entry) && entry.user_id !== this.me;
  }
}

/** Whether an entry is something that somebody said, rather than something that happened. */
export function isChat(entry: Entry): boolean {
  return entry.kind === undefined || entry.kind === 'chat';
}
