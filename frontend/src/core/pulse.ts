import type { Cancel, World } from './ports';

/** A tab that is looked at notices a lost push within this. */
const VISIBLE_MS = 45_000;
/** API Gateway ends a connection after ten idle minutes. */
const PULSE_MS = 4 * 60_000;
/** After this, a connection is tried out before it is trusted again. */
const STALE_MS = 20_000;
const PROBE_TIMEOUT_MS = 6_000;

export interface PulseSource {
  online(): boolean;
  /** Ask for what was missed: in all rooms, or only in those whose log is held. */
  beat(all: boolean, timeoutMs?: number): void;
}

/** Keeps the connection open, and finds what was pushed and did not arrive. */
export class Pulse {
  #timer: Cancel = () => {};
  #lastAt = 0;
  #lastAllAt = 0;

  constructor(
    private readonly world: World,
    private readonly source: PulseSource,
  ) {}

  /** There is a new connection, over which all was asked for just now. */
  start(): void {
    this.#lastAt = this.#lastAllAt = this.world.clock.now();
    this.schedule();
  }

  stop(): void {
    this.#timer();
  }

  /** Plan the next beat; how soon it is due depends on whether somebody looks. */
  schedule(): void {
    this.#timer();
    if (!this.source.online()) return;
    const interval = this.world.visible() ? VISIBLE_MS : PULSE_MS;
    const ms = interval * (0.9 + this.world.random() * 0.1);
    const due = Math.max(0, this.#lastAt + ms - this.world.clock.now());
    this.#timer = this.world.clock.after(due, () => {
      this.#beat();
      this.schedule();
    });
  }

  /** After a sleep or a change of network, a connection may be dead without knowing it. */
  probe(staleMs = STALE_MS): void {
    if (!this.source.online() || this.world.clock.now() - this.#lastAt < staleMs) return;
    this.#beat(PROBE_TIMEOUT_MS);
    this.schedule();
  }

  #beat(timeoutMs?: number): void {
    const now = this.world.clock.now();
    const all = now - this.#lastAllAt >= PULSE_MS * 0.9;
    this.#lastAt = now;
    if (all) this.#lastAllAt = now;
    this.source.beat(all, timeoutMs);
  }
}
