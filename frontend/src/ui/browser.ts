import type { Clock, Socket, Store, Tabs, World } from '../core/ports';

/** localStorage, or nothing where it is forbidden or full. */
export const store: Store = {
  keys: () => attempt(() => Object.keys(localStorage), []),
  get: (key) => attempt(() => localStorage.getItem(key), null),
  set: (key, value) => attempt(() => (localStorage.setItem(key, value), true), false),
  remove: (key) => attempt(() => localStorage.removeItem(key), undefined),
};

function attempt<T>(run: () => T, otherwise: T): T {
  try {
    return run();
  } catch {
    return otherwise;
  }
}

function random(): number {
  return (crypto.getRandomValues(new Uint32Array(1))[0] as number) / 2 ** 32;
}

/** A tab holds a lock as long as it lives; the lock's name is how others see that it does. */
function makeTabs(): Tabs {
  const id = Array.from({ length: 4 }, () => Math.floor(random() * 2 ** 32).toString(36)).join('');
  const name = (tab: string) => `ping-pong.tab.${tab}`;
  const locks = navigator.locks as LockManager | undefined;
  if (locks) void locks.request(name(id), () => new Promise<never>(() => {}));
  return {
    id,
    async exclusively(claim) {
      if (!locks) return claim(() => false);
      await locks.request('ping-pong.adopt', async () => {
        const { held = [] } = await locks.query();
        const alive = new Set(held.map((lock) => lock.name));
        claim((tab) => alive.has(name(tab)));
      });
    },
    // Its lock is free then.
    ended: async (tab) => locks?.request(name(tab), () => {}),
  };
}

/** Where the WebSocket is: on the site's own origin. */
function socketUrl(): string {
  return `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/ws`;
}

/** The socket that early.ts has opened, once, if it is good for anything. */
function takeEarly(): WebSocket | undefined {
  const early = window as { earlySocket?: WebSocket | undefined };
  const socket = early.earlySocket;
  early.earlySocket = undefined;
  return socket && socket.readyState <= WebSocket.OPEN ? socket : undefined;
}

export const browserClock: Clock = {
  now: () => Date.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};

export function browserWorld(): World {
  return {
    clock: browserClock,
    random,
    dial(events): Socket {
      const socket = takeEarly() ?? new WebSocket(socketUrl());
      if (socket.readyState === WebSocket.OPEN) queueMicrotask(() => events.opened());
      else socket.onopen = () => events.opened();
      socket.onmessage = (message) => {
        if (typeof message.data === 'string') events.frame(message.data);
      };
      socket.onclose = () => events.closed();
      return {
        send: (frame) => socket.send(frame),
        close: () => socket.close(),
      };
    },
    signedIn,
    online: () => navigator.onLine,
    visible: () => document.visibilityState === 'visible',
    store,
    tabs: makeTabs(),
  };
}

/** Whether the session is valid; undefined when nobody could tell. */
export async function signedIn(): Promise<boolean | undefined> {
  try {
    const response = await fetch('/api/session', { cache: 'no-store' });
    if (response.status === 401) return false;
    if (!response.ok) return undefined;
    const body = (await response.json()) as { signed_in?: unknown };
    return typeof body.signed_in === 'boolean' ? body.signed_in : undefined;
  } catch {
    return undefined;
  }
}
