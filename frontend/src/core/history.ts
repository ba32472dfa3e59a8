import { HISTORY_PAGE_MAX, type Entry, type HistoryReply } from '../protocol';
import { Log } from './log';
import type { RoomState } from './room';

/** What is fetched on each side of a chat that is jumped to. */
const AROUND = 25;

/** Where a page of history is; `limit` entries at most. */
export type Place = { before: number; limit: number } | { after: number; limit: number };

export interface HistorySource {
  /** Undefined when the room is not ours any more. */
  room(roomId: string): RoomState | undefined;
  request(roomId: string, place: Place): Promise<HistoryReply>;
  /** A page is held now. */
  took(room: RoomState, entries: readonly Entry[]): void;
  changed(roomId: string): void;
}

/** Looking further up: pages around what is shown of a room's log, and jumps to other parts. */
export class History {
  /** How many times somebody has gone elsewhere: the last time counts. */
  #moves = 0;

  constructor(private readonly source: HistorySource) {}

  before(roomId: string): Promise<void> {
    return this.#load(roomId, 'before');
  }

  after(roomId: string): Promise<void> {
    return this.#load(roomId, 'after');
  }

  /**
   * Show the part of the log in which `seq` stands. False if there is no such part, or if
   * somebody has gone elsewhere meanwhile.
   */
  async jump(roomId: string, seq: number): Promise<boolean> {
    const move = ++this.#moves;
    const room = this.source.room(roomId);
    if (!room?.loaded || seq < 1 || seq > room.log.last) return false;
    if (room.shown.at(seq)) return true;
    const { log } = room;
    let past: Log | null = null;
    if (!log.at(seq)) {
      // Two pages: large chats may fill one before it gets to the one that is meant.
      const [upTo, after] = await Promise.all([
        this.source.request(roomId, { before: seq + 1, limit: AROUND }),
        this.source.request(roomId, { after: seq, limit: AROUND }),
      ]).catch((error) => {
        // Who has gone elsewhere is not told that it failed.
        if (move === this.#moves) throw error;
        return [];
      });
      if (!upTo || !after || move !== this.#moves || !this.#isHeld(room, log)) return false;
      if (upTo.entries.at(-1)?.seq !== seq) return false;
      past = Log.of(upTo.entries, upTo.has_before ?? false);
      past.follow(seq, after.entries);
    }
    room.show(past);
    this.source.took(room, past?.entries ?? []);
    this.source.changed(roomId);
    return true;
  }

  /** Back to the end of the log. */
  toNewest(roomId: string): void {
    this.#moves++;
    const room = this.source.room(roomId);
    if (!room?.past) return;
    room.show(null);
    this.source.changed(roomId);
  }

  async #load(roomId: string, side: 'before' | 'after'): Promise<void> {
    const room = this.source.room(roomId);
    if (!room?.loaded || room.paging[side] === 'loading') return;
    const { log, shown } = room;
    if (side === 'before' ? !shown.hasBefore : !room.past) return;
    room.paging[side] = 'loading';
    this.source.changed(roomId);
    const { first, last } = shown;
    const limit = HISTORY_PAGE_MAX;
    try {
      const place = side === 'before' ? { before: first, limit } : { after: last, limit };
      const reply = await this.source.request(roomId, place);
      room.paging[side] = '';
      if (!this.#isHeld(room, log)) return;
      // What is shown may be another part by now, or the same one with more.
      if (side === 'after') {
        if (room.past?.last === last) room.past.follow(last, reply.entries);
        // There has to be more: it would be asked for again at once, and for ever.
        if (room.past?.last === last) room.paging.after = 'failed';
      } else if (room.shown.first === first) {
        const { entries, has_before: hasBefore = false } = reply;
        room.shown.precede(entries, hasBefore && entries.length > 0);
      }
      room.show(room.past);
      this.source.took(room, reply.entries);
    } catch {
      room.paging[side] = 'failed';
    } finally {
      this.source.changed(roomId);
    }
  }

  /** Whether a room's log is still the one that was asked for. */
  #isHeld(room: RoomState, log: Log): boolean {
    return this.source.room(room.id) === room && room.log === log;
  }
}
