/** Whom the person has blocked, and what of it is on its way (blocking.ts). */
export class Blocks {
  /** What they want instead of what the server has said, until that is answered. */
  readonly wishes = new Map<string, boolean>();
  /** Hears of what was done on another device, where something was done on this one, too. */
  heard: ((userId: string) => void) | undefined;
  #told = new Set<string>();

  constructor(readonly changed: () => void) {}

  has(userId: string): boolean {
    return this.wishes.get(userId) ?? this.#told.has(userId);
  }

  /** Whether anybody is blocked: mostly nobody is. */
  get any(): boolean {
    return this.#told.size + this.wishes.size > 0;
  }

  /** All of them, as the server says. */
  take(userIds: readonly string[] = []): void {
    this.#told = new Set(userIds);
    this.changed();
  }

  /** One was blocked, or is not any more. */
  note(userId: string, on: boolean): void {
    if (on) this.#told.add(userId);
    else this.#told.delete(userId);
    this.changed();
  }
}
