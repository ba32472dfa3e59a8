import type { MatchReply } from '../protocol';
import { Failure, failureCode, isTemporary, type FailureCode } from './failure';
import type { Cancel, Clock } from './ports';
import type { RoomState } from './room';

/** With whom somebody wants to talk. */
export interface Wish {
  languages: readonly string[];
  tags: readonly string[];
}

export type SearchState =
  | { step: 'seeking' }
  | { step: 'found'; roomId: string }
  | { step: 'over' }
  | { step: 'failed'; code: FailureCode };

interface SearchBody extends Wish {
  cid: string;
  again?: true;
}

interface Ways {
  online(): boolean;
  seek(body: SearchBody, leave: string | null): Promise<MatchReply>;
  cancel(cid: string): Promise<MatchReply>;
  /** Somebody was found too late: they are not to wait for nobody. */
  leave(roomId: string): void;
  /** The rooms that are known. */
  rooms(): Iterable<RoomState>;
  changed(): void;
}

/** What got no answer is tried again after this. */
const RETRY_MS = 2_000;

/**
 * One search for somebody to talk with. A reply, a push or a hello may say that it was found;
 * whichever comes first counts.
 */
export class Search {
  state: SearchState = { step: 'seeking' };
  readonly since: number;
  /** The first try was answered: from then on it is gone on with. */
  #isBegun = false;
  #isAsking = false;
  #timer: Cancel | null = null;
  readonly #known: Set<string>;

  constructor(
    private readonly clock: Clock,
    private readonly ways: Ways,
    private readonly cid: string,
    private readonly wish: Wish,
    /** The room of a match to leave first. */
    private leave: string | null = null,
  ) {
    this.since = clock.now();
    this.#known = new Set([...ways.rooms()].filter((room) => room.partnerId).map(({ id }) => id));
    this.wake();
  }

  /** The connection, or what is known of rooms, has changed. */
  wake(): void {
    if (this.state.step !== 'seeking') return;
    for (const { id, partnerId } of this.ways.rooms()) {
      if (partnerId && !this.#known.has(id)) return this.#set({ step: 'found', roomId: id });
    }
    if (!this.#timer && this.ways.online()) void this.#ask();
  }

  /** A new connection: who waits says so at once, as the old one's place is lost. */
  reconnected(): void {
    this.#wait(null);
    this.wake();
  }

  /** Nobody is wanted any more. */
  async cancel(): Promise<void> {
    if (this.state.step !== 'seeking') return;
    this.#set({ step: 'over' });
    try {
      const { room } = await this.ways.cancel(this.cid);
      if (room) this.ways.leave(room.room_id);
    } catch {
      // Without a connection nobody is matched with whoever had it.
    }
  }

  async #ask(): Promise<void> {
    if (this.#isAsking) return;
    this.#isAsking = true;
    const { cid, wish } = this;
    const body = { cid, ...wish, ...(this.#isBegun ? { again: true as const } : {}) };
    try {
      this.#answered(await this.ways.seek(body, this.leave));
    } catch (error) {
      this.#refused(error);
    }
    this.#isAsking = false;
  }

  #answered({ room, again_ms: again = 0 }: MatchReply): void {
    this.#isBegun = true;
    this.leave = null;
    if (this.state.step === 'over' && room) this.ways.leave(room.room_id);
    if (this.state.step !== 'seeking') return;
    if (room) this.#set({ step: 'found', roomId: room.room_id });
    else if (again) this.#wait(again);
    else this.#set({ step: 'over' });
  }

  #refused(error: unknown): void {
    const code = failureCode(error);
    const { retryAfterMs } = error instanceof Failure ? error : { retryAfterMs: 0 };
    if (this.state.step !== 'seeking') return;
    if (isTemporary(code) && !retryAfterMs) this.#wait(RETRY_MS);
    else this.#set({ step: 'failed', code });
  }

  /** Ask again after so long; null: whenever there is a reason. */
  #wait(ms: number | null): void {
    this.#timer?.();
    this.#timer = null;
    if (ms === null) return;
    this.#timer = this.clock.after(ms, () => {
      this.#timer = null;
      this.wake();
    });
  }

  #set(state: SearchState): void {
    this.state = state;
    this.#wait(null);
    this.ways.changed();
  }
}
