import type { BlocksReply, CommandType, Replies } from '../protocol';
import type { Blocks } from './blocks';
import type { Body } from './connection';

/** What it needs of a session. */
export interface BlockingHost {
  readonly blocks: Blocks;
  ask<C extends CommandType>(type: C, body: Body<C>): Promise<Replies[C]>;
}

/**
 * Blocks people, and unblocks them. What is wanted is shown at once, and taken back if it is
 * refused; of one person the next wish is sent only when the one before it is answered.
 */
class Blocking {
  #running = new Map<string, Promise<void>>();
  /** About whom something was said here: news from elsewhere may be older or newer. */
  #own = new Set<string>();
  /** How often something was said, or told. */
  #news = 0;

  constructor(private readonly host: BlockingHost) {
    host.blocks.heard = (userId) => {
      this.#news++;
      if (this.#own.has(userId)) void this.#refresh();
    };
  }

  /** In which room they were met, by their ids. */
  #metIn = new Map<string, string>();

  /** Resolves when the server has taken it. */
  set(userId: string, on: boolean, roomId?: string): Promise<void> {
    const { blocks } = this.host;
    if (roomId) this.#metIn.set(userId, roomId);
    blocks.wishes.set(userId, on);
    this.#own.add(userId);
    this.#news++;
    blocks.changed();
    let running = this.#running.get(userId);
    if (!running) {
      running = this.#run(userId);
      this.#running.set(userId, running);
    }
    return running;
  }

  async #run(userId: string): Promise<void> {
    const { blocks } = this.host;
    try {
      let wish = blocks.wishes.get(userId);
      while (wish !== undefined) {
        const roomId = wish && this.#metIn.get(userId);
        const met = roomId ? { room_id: roomId } : {};
        await this.host.ask('user.block', { user_id: userId, on: wish, ...met });
        this.#news++;
        blocks.note(userId, wish);
        const next = blocks.wishes.get(userId);
        wish = next === wish ? undefined : next;
      }
    } catch (error) {
      // It may have been done all the same.
      void this.#refresh();
      throw error;
    } finally {
      blocks.wishes.delete(userId);
      this.#running.delete(userId);
      blocks.changed();
    }
  }

  /** Ask how it is; again, if it may have changed meanwhile. */
  async #refresh(): Promise<void> {
    const news = this.#news;
    // Without an answer, the next hello says it.
    const all = await this.#all().catch(() => null);
    if (!all) return;
    if (news === this.#news) this.host.blocks.take(all);
    else void this.#refresh();
  }

  async #all(): Promise<string[]> {
    const found: string[] = [];
    let after: string | undefined;
    do {
      const page: BlocksReply = await this.host.ask('user.blocks', after ? { after } : {});
      found.push(...page.user_ids);
      after = page.after;
    } while (after !== undefined);
    return found;
  }
}

const known = new WeakMap<BlockingHost, Blocking>();

/**
 * Block somebody for the person of a session, or end that; resolves when the server has it.
 * One's list calls them as they are called in the room in which one met them.
 */
export function setBlock(
  host: BlockingHost,
  userId: string,
  on: boolean,
  roomId?: string,
): Promise<void> {
  let blocking = known.get(host);
  if (!blocking) known.set(host, (blocking = new Blocking(host)));
  return blocking.set(userId, on, roomId);
}
