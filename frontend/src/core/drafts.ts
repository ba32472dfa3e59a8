import { CHAT_TEXT_MAX } from '../protocol';
import type { Store } from './ports';

const PREFIX = 'ping-pong.draft.';
/** Beyond what can be sent; a pasted book does not crowd out what is on its way. */
const KEPT_MAX = 4 * CHAT_TEXT_MAX;

/**
 * What a person has begun to write, by room. Kept on this device until it is sent; in memory,
 * too, so that it lasts as long as the page where storage is forbidden or full.
 */
export class Drafts {
  #held = new Map<string, string>();

  constructor(
    private readonly store: Store,
    private readonly userId: string,
  ) {}

  of(roomId: string): string {
    return this.#held.get(roomId) ?? this.store.get(this.#key(roomId)) ?? '';
  }

  set(roomId: string, text: string): void {
    this.#held.set(roomId, text);
    if (text && text.length <= KEPT_MAX) this.store.set(this.#key(roomId), text);
    else this.store.remove(this.#key(roomId));
  }

  /** The room is gone, and with it what was to be said there. */
  drop(roomId: string): void {
    this.#held.delete(roomId);
    this.store.remove(this.#key(roomId));
  }

  /** Forget everything of this person. */
  clear(): void {
    this.#held.clear();
    for (const key of this.store.keys()) {
      if (key.startsWith(this.#key(''))) this.store.remove(key);
    }
  }

  #key(roomId: string): string {
    return `${PREFIX}${this.userId}.${roomId}`;
  }
}
