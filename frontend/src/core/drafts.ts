import { CHAT_TEXT_MAX } from '../protocol';
import { KEEP_MS } from './kept';
import type { Answered } from './outgoing';
import type { Clock, Store } from './ports';

const PREFIX = 'ping-pong.draft.';
/** Beyond what can be sent; a pasted book does not crowd out what is on its way. */
const KEPT_MAX = 4 * CHAT_TEXT_MAX;

/** Whom a part of a draft means: `length` letters at `at`. */
export interface Mark {
  at: number;
  length: number;
  userId: string;
}

/** What was begun in a room. */
export interface Begun {
  text: string;
  /** The chat that it answers. */
  reply?: Answered | undefined;
  /** Who is mentioned in it, in order. */
  marks?: readonly Mark[];
}

/** A draft as it is stored: and when it was last touched. */
interface Stored extends Begun {
  at: number;
}

/**
 * What a person has begun to write, by room. Kept on this device until it is sent; in memory,
 * too, so that it lasts as long as the page where storage is forbidden or full.
 */
export class Drafts {
  #held = new Map<string, Begun>();

  constructor(
    private readonly store: Store,
    private readonly clock: Clock,
    private readonly userId: string,
  ) {}

  of(roomId: string): Begun {
    return this.#held.get(roomId) ?? this.#read(this.#key(roomId)) ?? { text: '' };
  }

  set(roomId: string, begun: Begun): void {
    this.#held.set(roomId, begun);
    const stored: Stored = { ...begun, at: this.clock.now() };
    const isEmpty = !begun.text && !begun.reply;
    if (isEmpty || begun.text.length > KEPT_MAX) this.store.remove(this.#key(roomId));
    else this.store.set(this.#key(roomId), JSON.stringify(stored));
  }

  /** The room is gone, and with it what was to be said there. */
  drop(roomId: string): void {
    this.#held.delete(roomId);
    this.store.remove(this.#key(roomId));
  }

  /** These are all of the person's rooms: what is not of them goes, and what is too old. */
  keepOnly(roomIds: ReadonlySet<string>): void {
    const oldest = this.clock.now() - KEEP_MS;
    const mine = new Set([...roomIds].map((roomId) => this.#key(roomId)));
    for (const key of this.store.keys()) {
      if (!key.startsWith(PREFIX)) continue;
      const isLost = key.startsWith(this.#key('')) && !mine.has(key);
      // Of others, too: they may never come back to this device.
      if (isLost || (this.#read(key)?.at ?? 0) < oldest) this.store.remove(key);
    }
    for (const roomId of this.#held.keys()) if (!roomIds.has(roomId)) this.#held.delete(roomId);
  }

  #read(key: string): Stored | undefined {
    try {
      const { text, at, reply, marks = [] } = JSON.parse(this.store.get(key) ?? '') as Partial<Stored>;
      if (typeof text === 'string' && typeof at === 'number') return { text, at, reply, marks };
    } catch {
      // Not of this version, or not there: as if nothing had been begun.
    }
    return undefined;
  }

  #key(roomId: string): string {
    return `${PREFIX}${this.userId}.${roomId}`;
  }
}
