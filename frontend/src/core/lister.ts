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
  /** Rooms that are still to be listed. */
  roomIds: string[] = [];
  #isBusy = false;
  #recount: Cancel | null = null;
  #doubted = new Set<string>();

  constructor(
    private readonly clock: Clock,
    private readonly source: ListSource,
  ) {}

  /** List these too. */
  add(roomIds: readonly string[]): void {
    this.roomIds.push(...roomIds.filter((id) => !this.roomIds.includes(id)));
    void this.run();
  }

  forget(roomId: string): void {
    this.roomIds = this.roomIds.filter((id) => id !== roomId);
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
      const asked = this.roomIds;
      // What is added meanwhile is asked for next.
      this.roomIds = [...asked];
      try {
        const reply = await this.source.request(asked);
        const added = this.roomIds.filter((id) => !asked.includes(id));
        const more = reply.more_room_ids ?? [];
        // No progress would mean to ask for ever.
        this.roomIds = more.length < asked.length ? more.concat(added) : added;
        this.source.took(reply);
      } catch {
        // Asked again with the next connection, or when more is to be known.
        break;
      }
    }
    this.#isBusy = false;
  }
}
