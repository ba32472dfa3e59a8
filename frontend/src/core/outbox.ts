import {
  CLAIMS_PER_MEMBER,
  REPEAT_AFTER_MS,
  WRITE_WITHIN_MS,
  type Entry,
  type SendReply,
} from '../protocol';
import { REPLY_MS } from './connection';
import { Failure, failureCode, isTemporary, WAIT_LONGEST_MS } from './failure';
import { KEEP_MS } from './kept';
import { Item, type Answered, type Held, type Outgoing, type Stored } from './outgoing';
import type { Cancel, World } from './ports';

const REPEAT_LONGEST_MS = 60_000;
/** So many connections in a row may be lost over a chat before its repeats slow down. */
const LOSSES_MAX = 3;
/** A frame is refused as stale this long after it was sent, with a second or two for its way. */
const GHOST_MS = WRITE_WITHIN_MS + 2_000;
/** So many errors of the server in a row, and the person decides what happens next. */
const TRIES_MAX = 6;

export interface Post {
  online(): boolean;
  /** False while the room's log may lack what was written over the last connection. */
  caughtUp(roomId: string): boolean;
  /** How far the room's log is held; undefined while the room is unknown. */
  position(roomId: string): { seq: number; epoch: string } | undefined;
  send(
    item: Outgoing,
    retrySince: number | undefined,
    timeoutMs: number,
  ): Promise<SendReply>;
  delivered(roomId: string, entry: Entry): void;
  changed(roomId: string): void;
}

const PREFIX = 'ping-pong.outbox.';

/** Every chat of this person that is not known to be delivered; survives a reload. */
export class Outbox {
  #items: Item[] = [];
  #busy = new Set<string>();
  #timers = new Map<string, Cancel>();
  #stopped = false;
  /** Tabs whose end is waited for. */
  #watched = new Set<string>();
  /** When the connection was made. */
  #greetedAt = 0;
  /** Rooms in which a try without an answer may still be carried out, late. */
  #ghosts = new Map<string, { until: number; chatsLeft: number }>();

  constructor(
    private readonly world: World,
    private readonly userId: string,
    private readonly post: Post,
  ) {}

  /** Take over what dead tabs (also this one's former life) left behind. */
  async adopt(): Promise<void> {
    await this.world.tabs.exclusively((alive) => {
      if (this.#stopped) return;
      const found: Item[] = [];
      for (const stored of this.#readAll()) {
        if (this.#items.some((item) => item.cid === stored.cid)) continue;
        if (stored.tab !== this.world.tabs.id && alive(stored.tab)) {
          this.#watch(stored.tab);
          continue;
        }
        if (stored.typedAt < this.world.clock.now() - KEEP_MS) {
          this.world.store.remove(this.#key(stored.cid));
          continue;
        }
        const item = new Item(stored);
        this.#write(item);
        found.push(item);
      }
      found.sort((a, b) => a.typedAt - b.typedAt);
      this.#items = found.concat(this.#items);
      for (const roomId of new Set(found.map((item) => item.roomId))) {
        this.post.changed(roomId);
        this.#pump(roomId);
      }
    });
  }

  /** A tab that has something on its way may be about to end. */
  #watch(tab: string): void {
    if (this.#watched.has(tab)) return;
    this.#watched.add(tab);
    void this.world.tabs.ended(tab).then(() => {
      this.#watched.delete(tab);
      return this.adopt();
    });
  }

  /** What is on its way in a room, in the order in which it was typed. */
  of(roomId: string): readonly Outgoing[] {
    return this.#items.filter((item) => item.roomId === roomId);
  }

  /** Why nothing is sent in a room for now, though it could be. */
  held(roomId: string): Held | undefined {
    return this.#next(roomId)?.held;
  }

  get unsent(): number {
    return this.#items.filter((item) => !item.entry).length;
  }

  /** How many would be lost with the page. */
  get unkept(): number {
    return this.#items.filter((item) => !item.entry && !item.isKept).length;
  }

  add(roomId: string, text: string, reply?: Answered): string {
    const item = new Item({
      cid: randomId(this.world.random),
      roomId,
      text,
      typedAt: this.#typingTime(),
      tab: this.world.tabs.id,
      ...(reply ? { reply } : {}),
    });
    this.#items.push(item);
    this.#write(item);
    this.post.changed(roomId);
    this.#pump(roomId);
    return item.cid;
  }

  /** Send a failed chat again. */
  retry(cid: string): void {
    const item = this.#items.find((each) => each.cid === cid);
    if (!item?.failed) return;
    item.failed = undefined;
    item.errors = item.silences = item.dueAt = 0;
    this.#write(item);
    this.post.changed(item.roomId);
    this.#pump(item.roomId);
  }

  discard(cid: string): void {
    const item = this.#items.find((each) => each.cid === cid);
    if (item?.failed) this.#forget(item);
  }

  /** These are in the log now, wherever they came from. */
  seen(roomId: string, entries: readonly Entry[]): void {
    if (!this.#items.length) return;
    for (const entry of entries) {
      if (!entry.cid || entry.user_id !== this.userId) continue;
      const item = this.#items.find((each) => each.cid === entry.cid && each.roomId === roomId);
      if (item) this.#forget(item);
    }
    this.#forgetPassed(roomId);
  }

  /** There is a new connection. */
  greeted(): void {
    this.#greetedAt = this.world.clock.now();
    this.wake();
  }

  /** Go on; a room has become known, or its log is complete. */
  wake(): void {
    for (const roomId of new Set(this.#items.map((item) => item.roomId))) this.#pump(roomId);
  }

  /** The room is gone, and with it where these were going; returns what was never delivered. */
  dropRoom(roomId: string): string[] {
    const items = this.#items.filter((item) => item.roomId === roomId);
    for (const item of items) this.#forget(item);
    return items.filter((item) => !item.entry).map((item) => item.text);
  }

  /** Let go of timers; what is stored stays. */
  stop(): void {
    this.#stopped = true;
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
  }

  /** Forget everything of this person, in this and in other tabs. */
  clear(): void {
    this.stop();
    this.#items = [];
    for (const stored of this.#readAll()) this.world.store.remove(this.#key(stored.cid));
  }

  #pump(roomId: string): void {
    this.#timers.get(roomId)?.();
    this.#timers.delete(roomId);
    if (this.#stopped || this.#busy.has(roomId) || !this.post.online()) return;
    const item = this.#next(roomId);
    const position = this.post.position(roomId);
    if (!item || !position) return;
    const rest = item.since === undefined ? this.#ghostRest(roomId) : this.#rest(item);
    if (rest > 0) {
      this.#timers.set(roomId, this.world.clock.after(rest, () => this.#pump(roomId)));
      return;
    }
    void this.#try(item, position);
  }

  #next(roomId: string): Item | undefined {
    return this.#items.find((each) => each.roomId === roomId && each.state === 'sending');
  }

  /** How long a repeat has to wait; a clock that was set back must not make it longer. */
  #rest(item: Item): number {
    const now = this.world.clock.now();
    const rest = Math.min(item.dueAt - now, REPEAT_LONGEST_MS);
    // What the log is about to show need not be repeated; but that is not waited for long.
    const isComplete = this.post.caughtUp(item.roomId);
    const untilShown = isComplete ? 0 : this.#greetedAt + REPEAT_AFTER_MS - now;
    return Math.max(rest, Math.min(untilShown, REPEAT_AFTER_MS));
  }

  /**
   * The server knows somebody's latest chats by their `cid`, but only so many: others must not
   * push one out of its memory while an earlier try of it may still arrive.
   */
  #ghostRest(roomId: string): number {
    const ghost = this.#ghosts.get(roomId);
    if (!ghost || ghost.chatsLeft > 0) return 0;
    return Math.min(ghost.until - this.world.clock.now(), GHOST_MS);
  }

  async #try(item: Item, position: { seq: number; epoch: string }): Promise<void> {
    let retrySince: number | undefined;
    // Another epoch is another log: whatever was known of the old one is void.
    if (item.reply && item.reply.epoch !== position.epoch) item.reply = undefined;
    if (item.since === undefined) {
      item.since = position.seq;
      item.epoch = position.epoch;
      const ghost = this.#ghosts.get(item.roomId);
      if (ghost) ghost.chatsLeft--;
    } else {
      retrySince = item.epoch === position.epoch ? item.since : 0;
    }
    // Before it is sent, so that a reload in between repeats it as a repeat.
    this.#write(item);
    this.#busy.add(item.roomId);
    const triedAt = this.world.clock.now();
    try {
      const timeoutMs = Math.min(pause(item.silences), REPLY_MS);
      const { entry } = await this.post.send(item, retrySince, timeoutMs);
      this.#delivered(item, entry);
    } catch (error) {
      const code = failureCode(error);
      if (code === 'lost' || code === 'timeout') {
        this.#ghosts.set(item.roomId, {
          until: triedAt + GHOST_MS,
          chatsLeft: CLAIMS_PER_MEMBER - 1,
        });
      }
      this.#failed(item, error);
    } finally {
      this.#busy.delete(item.roomId);
      this.#pump(item.roomId);
    }
  }

  #delivered(item: Item, entry: Entry): void {
    if (!this.#items.includes(item)) return;
    this.world.store.remove(this.#key(item.cid));
    item.entry = entry;
    // Usually the log shows it at once, and `seen` forgets the item.
    this.post.delivered(item.roomId, entry);
    this.#forgetPassed(item.roomId);
    this.post.changed(item.roomId);
  }

  /** What the server has confirmed is shown by the log, once that has come so far. */
  #forgetPassed(roomId: string): void {
    const seq = this.post.position(roomId)?.seq ?? 0;
    for (const item of this.#items) {
      if (item.roomId === roomId && item.entry && item.entry.seq <= seq) this.#forget(item);
    }
  }

  #failed(item: Item, error: unknown): void {
    if (!this.#items.includes(item)) return;
    const code = failureCode(error);
    const now = this.world.clock.now();
    item.dueAt = now;
    item.held = undefined;
    if (code === 'internal') {
      item.dueAt = now + pause(item.errors++);
    } else if (code === 'stale') {
      item.dueAt = now + pause(item.silences++);
    } else if (error instanceof Failure && error.retryAfterMs) {
      // The server is well, and the chat is: it is only not its turn yet.
      item.dueAt = now + error.retryAfterMs;
      item.held = { code, until: item.dueAt };
      // Nor for what was written after it.
      if (error.retryAfterMs > WAIT_LONGEST_MS) item.failed = code;
    } else if (++item.silences > LOSSES_MAX && code !== 'timeout') {
      // It may be the chat itself that breaks the connection.
      item.dueAt = now + REPEAT_AFTER_MS;
    }
    if (!isTemporary(code) || item.errors >= TRIES_MAX) item.failed = code;
    this.#write(item);
    this.post.changed(item.roomId);
  }

  #forget(item: Item): void {
    this.#items = this.#items.filter((each) => each !== item);
    this.world.store.remove(this.#key(item.cid));
    this.post.changed(item.roomId);
  }

  /** Later than all before, also when the clock was set back: it gives the order after a reload. */
  #typingTime(): number {
    return Math.max(this.world.clock.now(), (this.#items.at(-1)?.typedAt ?? 0) + 1);
  }

  #key(cid: string): string {
    return `${PREFIX}${this.userId}.${cid}`;
  }

  #write(item: Item): void {
    if (this.#stopped || item.entry) return;
    const stored = JSON.stringify(item.stored(this.world.tabs.id));
    // What was kept before stays where there is no room for more.
    item.isKept = this.world.store.set(this.#key(item.cid), stored) || item.isKept;
  }

  #readAll(): Stored[] {
    const found: Stored[] = [];
    for (const key of this.world.store.keys()) {
      if (!key.startsWith(`${PREFIX}${this.userId}.`)) continue;
      try {
        const stored = JSON.parse(this.world.store.get(key) ?? '') as Stored;
        if (key === this.#key(stored.cid)) found.push(stored);
      } catch {
        this.world.store.remove(key);
      }
    }
    return found;
  }
}

/** What lies between a try and its repeat, longer from time to time. */
function pause(failures: number): number {
  return Math.min(REPEAT_AFTER_MS * 1.5 ** failures, REPEAT_LONGEST_MS);
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** 22 characters: 132 random bits. */
export function randomId(random: () => number): string {
  return Array.from({ length: 22 }, () => ALPHABET[Math.floor(random() * 64)]).join('');
}
