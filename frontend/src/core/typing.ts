import { TYPING_INTERVAL_MS } from '../protocol';
import type { Cancel, Clock } from './ports';

/** Somebody who does not signal again within this has stopped; a signal may be on its way for long. */
export const TYPING_MS = TYPING_INTERVAL_MS + 2_000;

/** Who is writing something, room by room; and how often one says so oneself. */
export class Typing {
  /** What ends it, by room and person, in the order in which they began. */
  #people = new Map<string, Map<string, Cancel>>();
  #signalledAt = new Map<string, number>();

  constructor(
    private readonly clock: Clock,
    private readonly changed: (roomId: string) => void,
  ) {}

  /** The people who are writing in a room, whoever began first at first. */
  of(roomId: string): readonly string[] {
    return [...(this.#people.get(roomId)?.keys() ?? [])];
  }

  signalled(roomId: string, userId: string): void {
    const people = this.#people.get(roomId) ?? new Map<string, Cancel>();
    const isNews = !people.has(userId);
    people.get(userId)?.();
    people.set(
      userId,
      this.clock.after(TYPING_MS, () => this.stopped(roomId, userId)),
    );
    this.#people.set(roomId, people);
    if (isNews) this.changed(roomId);
  }

  /** What they wrote has come, or nothing more did. */
  stopped(roomId: string, userId: string): void {
    const people = this.#people.get(roomId);
    const cancel = people?.get(userId);
    if (!people || !cancel) return;
    cancel();
    people.delete(userId);
    if (!people.size) this.#people.delete(roomId);
    this.changed(roomId);
  }

  /** Whether one's own typing is to be signalled now; if so, it counts as done. */
  maySignal(roomId: string): boolean {
    const past = this.clock.now() - (this.#signalledAt.get(roomId) ?? -Infinity);
    // A clock that was set back must not silence it.
    if (past >= 0 && past < TYPING_INTERVAL_MS) return false;
    this.#signalledAt.set(roomId, this.clock.now());
    return true;
  }

  drop(roomId: string): void {
    for (const cancel of this.#people.get(roomId)?.values() ?? []) cancel();
    this.#people.delete(roomId);
    this.#signalledAt.delete(roomId);
  }

  clear(): void {
    for (const roomId of this.#people.keys()) this.drop(roomId);
    this.#signalledAt.clear();
  }
}
