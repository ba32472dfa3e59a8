import type { DirectoryOrder, DirectoryReply, ListedRoom, Topic } from '../protocol';
import { failureCode, type FailureCode } from './failure';
import type { Cancel, Clock } from './ports';

/** What is looked at; with a text it is a search, and the rest does not matter. */
export interface Query {
  order: DirectoryOrder;
  topic: Topic | null;
  text: string;
}

interface Ways {
  ask(query: Query, after: string | undefined): Promise<DirectoryReply>;
  now(): number;
  changed(): void;
}

/** Who types is asked for when they pause for this. */
export const TYPING_MS = 200;
/** A list that was seen so long ago is asked for anew when it is seen again. */
export const FRESH_MS = 30_000;

/** A list of the directory as it is looked at: page by page, and never what was asked before. */
export class Directory {
  query: Query = { order: 'active', topic: null, text: '' };
  rooms: readonly ListedRoom[] = [];
  /** How it is with the first page: until it is there, the rooms of the list before are shown. */
  state: 'none' | 'loading' | 'ready' | 'failed' = 'none';
  /** How it is with the next page. */
  more: 'none' | 'there' | 'loading' | 'failed' = 'none';
  code: FailureCode | '' = '';
  #after: string | undefined;
  #askedAt = -Infinity;
  /** Which question an answer must be of. */
  #turn = 0;
  #timer: Cancel | null = null;

  constructor(
    private readonly clock: Clock,
    private readonly ways: Ways,
  ) {}

  /** Look at something; what is typed is asked for after a pause, all else at once. */
  show(query: Query): void {
    const { order, topic, text } = this.query;
    const isTyped = query.text !== text;
    if (!isTyped && query.order === order && query.topic === topic && this.#isFresh) return;
    this.query = query;
    this.#turn++;
    this.#timer?.();
    this.#timer = null;
    this.state = 'loading';
    this.more = 'none';
    if (isTyped && query.text) this.#timer = this.clock.after(TYPING_MS, () => void this.#first());
    else void this.#first();
    this.ways.changed();
  }

  /** Ask again for what failed. */
  retry(): void {
    if (this.state === 'failed') {
      this.state = 'loading';
      void this.#first();
    } else if (this.more === 'failed') {
      this.more = 'there';
      void this.next();
    }
    this.ways.changed();
  }

  /** Have the next page, if there is one. */
  async next(): Promise<void> {
    if (this.state !== 'ready' || this.more !== 'there') return;
    this.more = 'loading';
    const turn = this.#turn;
    this.ways.changed();
    try {
      const reply = await this.ways.ask(this.query, this.#after);
      if (turn === this.#turn) this.#take(reply, this.rooms);
    } catch (error) {
      if (turn !== this.#turn) return;
      this.code = failureCode(error);
      this.more = 'failed';
    }
    this.ways.changed();
  }

  get #isFresh(): boolean {
    if (this.state === 'loading') return true;
    return this.state === 'ready' && this.ways.now() - this.#askedAt < FRESH_MS;
  }

  async #first(): Promise<void> {
    const turn = ++this.#turn;
    try {
      const reply = await this.ways.ask(this.query, undefined);
      if (turn !== this.#turn) return;
      this.state = 'ready';
      this.#askedAt = this.ways.now();
      this.#take(reply, []);
    } catch (error) {
      if (turn !== this.#turn) return;
      this.code = failureCode(error);
      this.state = 'failed';
      this.rooms = [];
    }
    this.ways.changed();
  }

  /** A room may have moved from one page to the next meanwhile: it stays where it was seen. */
  #take(reply: DirectoryReply, before: readonly ListedRoom[]): void {
    const seen = new Set(before.map((room) => room.room_id));
    const added = reply.rooms.filter((room) => !seen.has(room.room_id));
    this.rooms = [...before, ...added];
    this.#after = reply.after;
    this.more = reply.after ? 'there' : 'none';
    // Nothing that can be scrolled to would ask for the next one.
    if (!added.length && reply.after) queueMicrotask(() => void this.next());
  }
}
