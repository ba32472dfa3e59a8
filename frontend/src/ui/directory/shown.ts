import { signal } from '@preact/signals';
import { Directory, type Query } from '../../core/directory';
import type { Body } from '../../core/connection';
import { session } from '../app';
import { browserClock } from '../browser';

/** Goes up when what is shown has changed. */
export const drawn = signal(0);

let ofSession: unknown;
let current: Directory | null = null;

/** The list that is looked at; it is there again when one comes back from a room. */
export function directory(): Directory {
  const here = session();
  if (!current || ofSession !== here) {
    ofSession = here;
    current = new Directory(browserClock, {
      ask(query, after) {
        const on = after ? { after } : {};
        if (query.text) return here.ask('directory.search', { text: query.text, ...on });
        return here.ask('directory.list', { ...wanted(query), ...on });
      },
      now: () => browserClock.now(),
      changed: () => drawn.value++,
    });
  }
  return current;
}

function wanted({ order, topic }: Query): Body<'directory.list'> {
  return topic ? { order, topic } : { order };
}
