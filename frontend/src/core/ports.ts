/**
 * What the core needs from the world outside; the browser's versions are in ui/browser.ts,
 * the tests' in tests/core/fakes.ts.
 */

export type Cancel = () => void;

export interface Clock {
  /** Milliseconds since 1970, by this machine's own reckoning. */
  now(): number;
  after(ms: number, run: () => void): Cancel;
}

export interface Socket {
  send(frame: string): void;
  close(): void;
}

export interface SocketEvents {
  opened(): void;
  frame(text: string): void;
  /** Closed by either side, or never opened. Also called after `close()`. */
  closed(): void;
}

export type Dial = (events: SocketEvents) => Socket;

/** The part of localStorage that the core uses. */
export interface Store {
  keys(): string[];
  get(key: string): string | null;
  /** False where it can't be kept: storage is forbidden, or full. */
  set(key: string, value: string): boolean;
  remove(key: string): void;
}

/** Which other tabs of this browser are alive, so that only the dead ones' chats are adopted. */
export interface Tabs {
  /** This tab's own id. */
  readonly id: string;
  /** Runs `claim` while no other tab does, with a test of which tabs are alive. */
  exclusively(claim: (alive: (tab: string) => boolean) => void): Promise<void>;
  /** Resolves when that tab is no more. */
  ended(tab: string): Promise<void>;
}

export interface World {
  clock: Clock;
  /** From 0 up to, but not including, 1. */
  random(): number;
  dial: Dial;
  /** Whether the session is valid; undefined when nobody could tell. */
  signedIn(): Promise<boolean | undefined>;
  online(): boolean;
  visible(): boolean;
  store: Store;
  tabs: Tabs;
}
