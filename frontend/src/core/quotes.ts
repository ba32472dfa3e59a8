import type { Entry, HistoryReply } from '../protocol';
import { laterOf } from './log';
import type { Clock } from './ports';
import type { RoomState } from './room';
import { isChat } from './unread';

const KEPT_MAX = 200;
/** After an error, asked again when somebody looks at the quote after so long. */
const RETRY_MS = 8_000;

export interface QuoteSource {
  online(): boolean;
  /** Undefined when the room is not ours any more. */
  room(roomId: string): RoomState | undefined;
  /** The entry at `seq`, as a page of history. */
  request(roomId: string, seq: number): Promise<HistoryReply>;
  /** A quote can be shown now, or be asked for again. */
  changed(roomId: string): void;
}

/**
 * The chats that others answer. A reply says only which one it answers, so that nothing is left
 * of a chat that is deleted: it is shown as it is now, and fetched if it stands further up.
 */
export class Quotes {
  /** Those that logs do not hold, by room and seq; null: there is none. Used last, kept last. */
  #kept = new Map<string, Entry | null>();
  /** The next to be asked for is the last one: it is what is in sight now. */
  #wanted: { roomId: string; seq: number }[] = [];
  #resting = new Set<string>();
  #isBusy = false;

  constructor(
    private readonly clock: Clock,
    private readonly source: QuoteSource,
  ) {}

  /** The chat at `seq`, null if there is none; undefined while it is not known, but fetched. */
  of(roomId: string, seq: number): Entry | null | undefined {
    const room = this.source.room(roomId);
    if (!room?.loaded) return undefined;
    const held = room.at(seq);
    if (held) return isChat(held) ? held : null;
    const key = keyOf(roomId, seq);
    const kept = this.#kept.get(key);
    if (kept !== undefined) {
      this.#keep(key, kept);
      return kept;
    }
    const isWanted = this.#wanted.some((each) => each.roomId === roomId && each.seq === seq);
    if (!isWanted && !this.#resting.has(key) && seq <= room.log.last) {
      this.#wanted.push({ roomId, seq });
      void this.#fetch();
    }
    return undefined;
  }

  /** Entries have come; those that change a chat say how it is now. */
  learn(roomId: string, entries: readonly Entry[]): void {
    for (const { changed } of entries) {
      const key = keyOf(roomId, changed?.seq ?? 0);
      const kept = this.#kept.get(key);
      if (kept && changed) this.#kept.set(key, laterOf(kept, changed));
    }
  }

  /** The room's log is another one, or is not followed any more. */
  drop(roomId: string): void {
    this.#wanted = this.#wanted.filter((each) => each.roomId !== roomId);
    for (const key of this.#kept.keys()) {
      if (key.startsWith(keyOf(roomId, ''))) this.#kept.delete(key);
    }
  }

  clear(): void {
    this.#wanted = [];
    this.#kept.clear();
    this.#resting.clear();
  }

  async #fetch(): Promise<void> {
    if (this.#isBusy) return;
    this.#isBusy = true;
    while (this.source.online()) {
      const next = this.#wanted.at(-1);
      if (!next) break;
      const { roomId, seq } = next;
      const key = keyOf(roomId, seq);
      const room = this.source.room(roomId);
      const log = room?.log;
      try {
        const { entries } = await this.source.request(roomId, seq);
        // It may be asked for again: nobody has told of changes to what was not held.
        const isSame = this.source.room(roomId)?.log === log;
        const found = entries.find((each) => each.seq === seq && isChat(each));
        if (isSame && log) this.#keep(key, found ? log.latest(found) : null);
      } catch {
        this.#resting.add(key);
        this.clock.after(RETRY_MS, () => {
          if (this.#resting.delete(key)) this.source.changed(roomId);
        });
      }
      this.#wanted = this.#wanted.filter((each) => each !== next);
      this.source.changed(roomId);
    }
    this.#isBusy = false;
  }

  /** There is a new connection: what is waited for is fetched when it is drawn, which is now. */
  resume(): void {
    this.#resting.clear();
    this.#wanted = [];
  }

  #keep(key: string, chat: Entry | null): void {
    this.#kept.delete(key);
    this.#kept.set(key, chat);
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= KEPT_MAX) break;
      this.#kept.delete(oldest);
    }
  }
}

function keyOf(roomId: string, seq: number | ''): string {
  return `${roomId} ${seq}`;
}
