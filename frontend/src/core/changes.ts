import { REPEAT_AFTER_MS, type Entry } from '../protocol';
import { Failure, failureCode, isTemporary, WAIT_LONGEST_MS, type FailureCode } from './failure';
import type { Cancel, Clock } from './ports';

/** So many answers in a row that it could not be done, and the person decides what happens next. */
const TRIES_MAX = 6;

/** One thing that a person does to a chat. */
export type Change =
  | { type: 'edit'; text: string }
  | { type: 'delete' }
  | { type: 'react'; emoji: string; on: boolean };

/** What a person did to a chat that the server has not confirmed, or has refused. */
export interface Pending {
  readonly changes: readonly Change[];
  /** An edit that was refused, and why: kept until its author repeats it or lets it go. */
  readonly failed: { readonly text: string; readonly code: FailureCode } | undefined;
}

export interface ChangePost {
  online(): boolean;
  send(roomId: string, seq: number, change: Change): Promise<unknown>;
  /** Something of this room is to be drawn again. */
  changed(roomId: string): void;
}

/** A change on its way; `settle` tells its maker how it ended. */
interface Step {
  change: Change;
  settle: ((code: FailureCode | '') => void)[];
  errors: number;
}

interface Target extends Pending {
  roomId: string;
  seq: number;
  steps: Step[];
  isBusy: boolean;
  failed: { text: string; code: FailureCode } | undefined;
  cancel: Cancel;
}

/**
 * Edits, deletions and reactions on their way. Each is shown at once and repeated until the
 * server has answered; of one chat, the next goes out only when the one before it is answered,
 * or an old edit could undo a new one. They live as long as the page.
 */
export class Changes {
  #targets = new Map<string, Target>();
  #stopped = false;

  constructor(
    private readonly clock: Clock,
    private readonly post: ChangePost,
  ) {}

  /** What is pending of a chat. */
  of(roomId: string, seq: number): Pending | undefined {
    return this.#targets.get(keyOf(roomId, seq));
  }

  /** What is pending in a room, by the places of its chats. */
  in(roomId: string): ReadonlyMap<number, Pending> {
    const found = new Map<number, Pending>();
    for (const target of this.#targets.values()) {
      if (target.roomId === roomId) found.set(target.seq, target);
    }
    return found;
  }

  /** How many edits and deletions would be lost with the page, also refused edits. */
  get unsent(): number {
    let count = 0;
    for (const { failed, changes } of this.#targets.values()) {
      if (failed || changes.some((change) => change.type !== 'react')) count++;
    }
    return count;
  }

  /**
   * Change a chat, now or when there is a connection. Resolves when that is settled: with '',
   * or with why the server refused.
   */
  make(roomId: string, seq: number, change: Change): Promise<FailureCode | ''> {
    if (this.#stopped) return Promise.resolve('lost');
    const target = this.#target(roomId, seq);
    if (change.type !== 'react') target.failed = undefined;
    return new Promise((resolve) => {
      const settle: Step['settle'] = [resolve];
      // What was not sent yet need not be sent any more when this undoes it.
      const waiting = target.isBusy ? target.steps.slice(1) : target.steps;
      for (const step of waiting) {
        if (!replaces(change, step.change)) continue;
        target.steps = target.steps.filter((each) => each !== step);
        settle.push(...step.settle);
      }
      target.steps.push({ change, settle, errors: 0 });
      this.post.changed(roomId);
      void this.#run(target);
    });
  }

  /** Make a refused edit again. */
  retry(roomId: string, seq: number): void {
    const { failed } = this.of(roomId, seq) ?? {};
    if (failed) void this.make(roomId, seq, { type: 'edit', text: failed.text });
  }

  /** Let a refused edit go. */
  discard(roomId: string, seq: number): void {
    const target = this.#targets.get(keyOf(roomId, seq));
    if (!target) return;
    target.failed = undefined;
    this.#tidy(target);
    this.post.changed(roomId);
  }

  /** There is a connection (again). */
  wake(): void {
    for (const target of this.#targets.values()) void this.#run(target);
  }

  /** The room is gone, and with it what was to be changed. */
  dropRoom(roomId: string): void {
    for (const target of this.#targets.values()) {
      if (target.roomId === roomId) this.#drop(target);
    }
  }

  clear(): void {
    for (const target of this.#targets.values()) this.#drop(target);
  }

  stop(): void {
    this.#stopped = true;
    this.clear();
  }

  #target(roomId: string, seq: number): Target {
    const key = keyOf(roomId, seq);
    let target = this.#targets.get(key);
    if (!target) {
      target = {
        roomId,
        seq,
        steps: [],
        get changes() {
          return this.steps.map((step) => step.change);
        },
        isBusy: false,
        failed: undefined,
        cancel: () => {},
      };
      this.#targets.set(key, target);
    }
    return target;
  }

  async #run(target: Target): Promise<void> {
    target.cancel();
    const step = target.steps[0];
    if (!step || target.isBusy || !this.post.online()) return;
    target.isBusy = true;
    let code: FailureCode | '' = '';
    let after = 0;
    try {
      await this.post.send(target.roomId, target.seq, step.change);
    } catch (error) {
      code = failureCode(error);
      if (error instanceof Failure) after = error.retryAfterMs;
    }
    target.isBusy = false;
    if (!this.#isHeld(target)) return;
    if (code && isTemporary(code) && after <= WAIT_LONGEST_MS && (code === 'lost' || ++step.errors < TRIES_MAX)) {
      const pause = REPEAT_AFTER_MS * 1.5 ** (code === 'internal' ? step.errors - 1 : 0);
      // A connection that was lost is not waited for: `wake` tells of the next one.
      if (code !== 'lost' || this.post.online()) {
        target.cancel = this.clock.after(after || (code === 'timeout' ? 0 : pause), () => {
          void this.#run(target);
        });
      }
      return;
    }
    target.steps = target.steps.filter((each) => each !== step);
    const { change } = step;
    const isLastEdit = !target.steps.some((each) => each.change.type !== 'react');
    if (code && change.type === 'edit' && isLastEdit) target.failed = { text: change.text, code };
    this.#tidy(target);
    for (const settle of step.settle) settle(code);
    this.post.changed(target.roomId);
    void this.#run(target);
  }

  #isHeld(target: Target): boolean {
    return this.#targets.get(keyOf(target.roomId, target.seq)) === target;
  }

  #tidy(target: Target): void {
    if (!target.steps.length && !target.failed) this.#drop(target);
  }

  #drop(target: Target): void {
    target.cancel();
    this.#targets.delete(keyOf(target.roomId, target.seq));
    for (const step of target.steps) for (const settle of step.settle) settle('lost');
  }
}

/** Whether the earlier change is of no consequence once the later one is made. */
function replaces(later: Change, earlier: Change): boolean {
  if (later.type === 'delete') return true;
  if (later.type === 'edit') return earlier.type === 'edit';
  return earlier.type === 'react' && earlier.emoji === later.emoji;
}

/** A chat as its reader wants it to be: with everything that is pending done. */
export function withPending(chat: Entry, pending: Pending | undefined, me: string): Entry {
  if (!pending || chat.deleted) return chat;
  const next: Entry = { ...chat };
  for (const change of pending.changes) {
    if (change.type === 'edit') {
      next.text = change.text;
      next.edited_at ??= next.at;
    } else if (change.type === 'delete') {
      return { ...next, text: '', deleted: true, reactions: {} };
    } else {
      const { emoji, on } = change;
      const others = (next.reactions?.[emoji] ?? []).filter((each) => each !== me);
      const had = next.reactions?.[emoji]?.includes(me) ?? false;
      if (had === on) continue;
      next.reactions = { ...next.reactions, [emoji]: on ? [...others, me] : others };
    }
  }
  return next;
}

function keyOf(roomId: string, seq: number): string {
  return `${roomId} ${seq}`;
}
