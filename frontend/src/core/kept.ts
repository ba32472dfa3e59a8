import type { Store } from './ports';

/** What was not said for so long, or never taken up again, is forgotten. */
export const KEEP_MS = 7 * 24 * 3_600_000;

/** Whose words are kept here: without a connection nobody else can tell. */
export const LAST_USER = 'ping-pong.user';
const OF_PEOPLE = /^ping-pong\.(draft|outbox|read|emoji)\./;

/**
 * Remove what is kept of a person in this browser, also what the page keeps for itself under
 * their id. Without an id nobody knows whose it is, and it goes whoever it is of.
 */
export function wipe(store: Store, userId: string): void {
  for (const key of store.keys()) {
    const isTheirs = userId ? `${key}.`.includes(`.${userId}.`) : OF_PEOPLE.test(key);
    if (isTheirs && key.startsWith('ping-pong.')) store.remove(key);
  }
  if (!userId || store.get(LAST_USER) === userId) store.remove(LAST_USER);
}
