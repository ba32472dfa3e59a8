import { backoff } from './backoff';
import { failureCode } from './failure';
import type { Cancel, World } from './ports';
import type { Room } from '../protocol';

/** What comes together is marked together. */
const READ_FIRST_MS = 400;
/** While chats stream in, a room is marked once in this at most. */
const READ_PAUSE_MS = 1_000;

interface Mark {
  /** How far the person has read here. */
  seen: number;
  /** How far the server knows of. */
  known: number;
  /** How far the marks go that are on their way. */
  sending: number;
  failures: number;
  cancel: Cancel | null;
}

export interface ReadSource {
  online(): boolean;
  send(roomId: string, seq: number): Promise<unknown>;
  /** Under what is kept how far the person has read a room's present log. */
  key(roomId: string): string;
}

/** Tells the server what was read: soon, seldom, and in the end completely. */
export class ReadMarks {
  #marks = new Map<string, Mark>();

  constructor(
    private readonly world: World,
    private readonly source: ReadSource,
  ) {}

  /** Everything up to `seq` has been seen here. */
  saw(roomId: string, seq: number): void {
    const mark = this.#of(roomId);
    mark.seen = Math.max(mark.seen, seq);
    if (!mark.cancel) this.#rest(roomId, mark, READ_FIRST_MS);
  }

  /** The server has it anyway: it said so, or something was said at `seq`. */
  passed(roomId: string, seq: number): void {
    const mark = this.#of(roomId);
    mark.known = Math.max(mark.known, seq);
  }

  /**
   * A snapshot of the server says so, also if it should know more. Returns how far the person had
   * read when they left the page, if the server has not heard of it; it will now.
   */
  told({ room_id: roomId, read_seq: known = 0, last_seq: last }: Room): number {
    this.#of(roomId).known = known;
    const { store } = this.world;
    const key = this.source.key(roomId);
    const kept = Number(store.get(key));
    // A log that was restored may end before it.
    if (kept > known && kept <= last) {
      this.saw(roomId, kept);
      return kept;
    }
    store.remove(key);
    return 0;
  }

  /** The page may be gone before the server has heard what is said now, so it is kept, too. */
  leave(): void {
    this.flush();
    for (const [roomId, { seen, known }] of this.#marks) {
      if (seen > known) this.world.store.set(this.source.key(roomId), `${seen}`);
    }
  }

  /** Say it now: the room is left, or the page may be gone in a moment. */
  flush(roomId?: string): void {
    for (const [id, mark] of this.#marks) {
      if (roomId === undefined || id === roomId) void this.#send(id, mark);
    }
  }

  /** There is a new connection: say what the last one did not get there. */
  resume(): void {
    for (const [roomId, mark] of this.#marks) {
      if (mark.seen > mark.known) this.#rest(roomId, mark, READ_FIRST_MS);
    }
  }

  drop(roomId: string): void {
    this.#marks.get(roomId)?.cancel?.();
    this.#marks.delete(roomId);
  }

  clear(): void {
    for (const roomId of this.#marks.keys()) this.drop(roomId);
  }

  #of(roomId: string): Mark {
    let mark = this.#marks.get(roomId);
    if (!mark) {
      mark = { seen: 0, known: 0, sending: 0, failures: 0, cancel: null };
      this.#marks.set(roomId, mark);
    }
    return mark;
  }

  #rest(roomId: string, mark: Mark, ms: number): void {
    mark.cancel?.();
    mark.cancel = this.world.clock.after(ms, () => {
      mark.cancel = null;
      void this.#send(roomId, mark);
    });
  }

  async #send(roomId: string, mark: Mark): Promise<void> {
    const seq = mark.seen;
    if (!this.source.online() || seq <= Math.max(mark.known, mark.sending)) return;
    mark.sending = seq;
    this.#rest(roomId, mark, READ_PAUSE_MS);
    try {
      await this.source.send(roomId, seq);
      mark.known = Math.max(mark.known, seq);
      mark.failures = 0;
    } catch (error) {
      mark.sending = 0;
      // Without a connection, the next one says it.
      if (failureCode(error) === 'lost' || this.#marks.get(roomId) !== mark) return;
      this.#rest(roomId, mark, READ_PAUSE_MS + backoff(mark.failures++, this.world.random));
    }
  }
}
