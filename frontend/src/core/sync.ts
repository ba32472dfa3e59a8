import { SYNC_ROOMS_MAX, type RoomPosition, type SyncedRoom, type SyncReply } from '../protocol';
import { backoff } from './backoff';
import { failureCode } from './failure';
import type { Cancel, World } from './ports';

/** Entries that overtook each other arrive within this; a longer gap is a loss. */
export const GAP_MS = 300;

export interface SyncSource {
  request(rooms: RoomPosition[], timeoutMs?: number): Promise<SyncReply>;
  /** How far a room's log is held; undefined when the room is not ours any more. */
  position(roomId: string): RoomPosition | undefined;
  hasGap(roomId: string): boolean;
  apply(synced: SyncedRoom, after: number, reply: SyncReply): void;
}

/** Decides when which rooms are completed, and asks until they are. One request at a time. */
export class Syncer {
  #wanted = new Set<string>();
  /** Rooms that are only asked for if their gap is still there when the time comes. */
  #gaps = new Set<string>();
  /** Who waits until a room is complete, whatever happens to the connection until then. */
  #waiting = new Set<{ roomId: string; done: () => void }>();
  #busy = false;
  #failures = 0;
  #timer: Cancel | null = null;
  #life = 0;

  constructor(
    private readonly world: World,
    private readonly source: SyncSource,
  ) {}

  /** Complete these rooms now. Also a sign of life when there are none. */
  now(roomIds: Iterable<string>, timeoutMs?: number): void {
    for (const id of roomIds) this.#wanted.add(id);
    if (!this.#busy) void this.#run(timeoutMs, true);
  }

  /** Resolves when a room's log has everything that it had at the time of asking, or is gone. */
  complete(roomId: string): Promise<void> {
    return new Promise((done) => {
      this.#waiting.add({ roomId, done });
      this.now([roomId]);
    });
  }

  /** A room misses entries; they may still be on their way. */
  gap(roomId: string): void {
    this.#gaps.add(roomId);
    this.#schedule(GAP_MS);
  }

  /** The connection is gone: what was wanted is asked for by the next one. */
  stop(): void {
    this.#life++;
    this.#timer?.();
    this.#timer = null;
    this.#wanted.clear();
    this.#gaps.clear();
    this.#busy = false;
    this.#failures = 0;
  }

  #schedule(ms: number): void {
    if (this.#timer || this.#busy) return;
    this.#timer = this.world.clock.after(ms, () => {
      this.#timer = null;
      void this.#run();
    });
  }

  async #run(timeoutMs?: number, evenIfEmpty = false): Promise<void> {
    this.#timer?.();
    this.#timer = null;
    for (const id of this.#gaps) if (this.source.hasGap(id)) this.#wanted.add(id);
    this.#gaps.clear();
    // Whoever comes to wait while this is on its way is served by the next request.
    const waiting = [...this.#waiting];
    for (const { roomId } of waiting) this.#wanted.add(roomId);
    const positions: RoomPosition[] = [];
    for (const id of this.#wanted) {
      if (positions.length === SYNC_ROOMS_MAX) break;
      this.#wanted.delete(id);
      const position = this.source.position(id);
      if (position) positions.push(position);
    }
    if (!positions.length && !evenIfEmpty) return;
    const life = this.#life;
    this.#busy = true;
    let pause = 0;
    try {
      const reply = await this.source.request(positions, timeoutMs);
      if (life !== this.#life) return;
      pause = this.#take(positions, reply);
      for (const each of waiting) {
        if (this.#wanted.has(each.roomId) || this.#gaps.has(each.roomId)) continue;
        this.#waiting.delete(each);
        each.done();
      }
    } catch (error) {
      if (life !== this.#life) return;
      if (failureCode(error) === 'lost') return;
      for (const position of positions) this.#wanted.add(position.room_id);
      pause = backoff(++this.#failures, this.world.random);
    } finally {
      if (life === this.#life) this.#busy = false;
    }
    if (this.#wanted.size || this.#gaps.size) this.#schedule(pause);
  }

  /** Apply a reply; returns how long to wait before asking for the rest. */
  #take(positions: RoomPosition[], reply: SyncReply): number {
    let progress = false;
    let stuck = false;
    for (const synced of reply.rooms) {
      const asked = positions.find((each) => each.room_id === synced.room_id);
      if (!asked) continue;
      this.source.apply(synced, asked.after, reply);
      if (synced.gone || synced.reset) continue;
      if (synced.entries?.length) progress = true;
      if (!synced.complete) {
        this.#wanted.add(synced.room_id);
      } else if (this.source.hasGap(synced.room_id)) {
        // Pushed already, but not yet to be read: it will be.
        this.#gaps.add(synced.room_id);
        stuck = true;
      }
    }
    if (progress && !stuck) {
      this.#failures = 0;
      return 0;
    }
    return this.#wanted.size || stuck ? backoff(this.#failures++, this.world.random) : 0;
  }
}
