import type { Cancel, Clock, SocketEvents, Store, Tabs, World } from '../../src/core/ports';

/** A clock that stands still until told otherwise; promises settle between its timers. */
export class FakeClock implements Clock {
  #now = 1_790_000_000_000;
  #timers: { at: number; order: number; run: () => void }[] = [];
  #order = 0;

  now(): number {
    return this.#now;
  }

  after(ms: number, run: () => void): Cancel {
    const timer = { at: this.#now + Math.max(0, ms), order: this.#order++, run };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((each) => each !== timer);
    };
  }

  /** Turn the hands without running what is due, as a sleeping machine does. */
  jump(ms: number): void {
    this.#now += ms;
  }

  async elapse(ms: number): Promise<void> {
    const end = this.#now + ms;
    await settle();
    for (;;) {
      const due = this.#timers
        .filter((timer) => timer.at <= end)
        .sort((a, b) => a.at - b.at || a.order - b.order)[0];
      if (!due) break;
      this.#timers = this.#timers.filter((each) => each !== due);
      this.#now = Math.max(this.#now, due.at);
      due.run();
      await settle();
    }
    this.#now = end;
  }
}

/** Let promises that need no time run to their end. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 12; i++) await Promise.resolve();
}

/** A small seeded generator (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export class FakeStore implements Store {
  readonly map = new Map<string, string>();
  keys(): string[] {
    return [...this.map.keys()];
  }
  get(key: string): string | null {
    return this.map.get(key) ?? null;
  }
  /** How many characters fit. */
  room = Infinity;

  set(key: string, value: string): boolean {
    const others = [...this.map].filter(([each]) => each !== key).flat().join('').length;
    if (others + key.length + value.length > this.room) return false;
    this.map.set(key, value);
    return true;
  }
  remove(key: string): void {
    this.map.delete(key);
  }
}

/** The tabs of one browser: they share a store. */
export class FakeBrowser {
  readonly store = new FakeStore();
  readonly alive = new Set<string>();
  #ends = new Map<string, () => void>();
  #count = 0;

  openTab(): Tabs & { close(): void } {
    const id = `tab${++this.#count}`;
    this.alive.add(id);
    return {
      id,
      exclusively: async (claim) => claim((tab) => this.alive.has(tab)),
      ended: (tab) => new Promise((resolve) => this.#ends.set(tab, resolve)),
      close: () => {
        this.alive.delete(id);
        this.#ends.get(id)?.();
      },
    };
  }
}

/** A socket in the hands of a test. */
export class FakeSocket {
  sent: Record<string, unknown>[] = [];
  closed = false;

  constructor(readonly events: SocketEvents) {}

  send(frame: string): void {
    this.sent.push(JSON.parse(frame) as Record<string, unknown>);
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.events.closed();
  }

  /** The newest frame of that type. */
  last(type: string): Record<string, unknown> {
    const found = this.sent.findLast((frame) => frame.type === type);
    if (!found) throw new Error(`nothing of type ${type} was sent`);
    return found;
  }

  receive(frame: object): void {
    this.events.frame(JSON.stringify(frame));
  }

  answer(type: string, reply: object): void {
    this.receive({ type: 'ok', ref: this.last(type).ref, ...reply });
  }
}

export interface FakeWorld extends World {
  clock: FakeClock;
  store: FakeStore;
  /** Every socket that was dialled, oldest first. */
  sockets: FakeSocket[];
  isOnline: boolean;
  isVisible: boolean;
  isSignedIn: boolean | undefined;
}

export function fakeWorld(seed = 1): FakeWorld {
  const browser = new FakeBrowser();
  const world: FakeWorld = {
    clock: new FakeClock(),
    random: seeded(seed),
    sockets: [],
    isOnline: true,
    isVisible: true,
    isSignedIn: true,
    dial(events) {
      const socket = new FakeSocket(events);
      world.sockets.push(socket);
      return socket;
    },
    signedIn: async () => world.isSignedIn,
    online: () => world.isOnline,
    visible: () => world.isVisible,
    store: browser.store,
    tabs: browser.openTab(),
  };
  return world;
}
