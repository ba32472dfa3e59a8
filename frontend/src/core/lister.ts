import type { RoomsReply } from '../protocol';
import type { Cancel, Clock } from './ports';

/** Rooms whose unread chats only the server can count are asked for together. */
const RECOUNT_MS = 500;

export interface ListSource {
  online(): boolean;
  request(roomIds: string[]): Promise<RoomsReply>;
  took(reply: RoomsReply): void;
  /** The rooms whose unread chats are not known. */
  uncounted(): string[];
}

/** Lists the rooms that a hello did not hold, and those of which more has to be known. */
export class Lister {
  /** Rooms that are still to be asked for. */
  roomIds: string[] = [];
  /** Those that are being asked for just now. */
  #asked: string[] = [];
  #isBusy = false;
  #recount: Cancel | null = null;
  #doubted = new Set<string>();

  constructor(
    private readonly clock: Clock,
    private readonly source: ListSource,
  ) {}

  /** Whether some rooms have not been listed yet. */
  get isListing(): boolean {
    return this.roomIds.length + this.#asked.length > 0;
  }

  /** List these too; again, if the answer that is on its way may be older than the question. */
  add(roomIds: readonly string[]): void {
    this.roomIds.push(...roomIds.filter((id) => !this.roomIds.includes(id)));
    void this.run();
  }

  forget(roomId: string): void {
    this.roomIds = this.roomIds.filter((id) => id !== roomId);
    this.#asked = this.#asked.filter((id) => id !== roomId);
  }

  /** Ask once, and soon, for all rooms whose unread chats the server alone can count. */
  recountSoon(): void {
    this.#recount ??= this.clock.after(RECOUNT_MS, () => {
      this.#recount = null;
      this.add([...this.source.uncounted(), ...this.#doubted]);
      this.#doubted.clear();
    });
  }

  /** Ask soon how a room is, as several things have happened to it at once. */
  doubt(roomId: string): void {
    this.#doubted.add(roomId);
    this.recountSoon();
  }

  stop(): void {
    this.#recount?.();
    this.#recount = null;
  }

  /** Go on until all are listed. */
  async run(): Promise<void> {
    if (this.#isBusy) return;
    this.#isBusy = true;
    while (this.roomIds.length && this.source.online()) {
      const asked = (this.#asked = this.roomIds);
      // What is added meanwhile is asked for next.
      this.roomIds = [];
      try {
        const reply = await this.source.request(asked);
        const more = reply.more_room_ids ?? [];
        // No progress would mean to ask for ever.
        this.#asked = more.length < asked.length ? more : [];
        this.#putBack();
        this.source.took(reply);
      } catch {
        // Asked again with the next connection, or when more is to be known.
        this.#putBack();
        break;
      }
    }
    this.#isBusy = false;
  }

  /** What was asked for and not listed comes first. */
  #putBack(): void {
    this.roomIds = [...new Set([...this.#asked, ...this.roomIds])];
    this.#asked = [];
  }
}
