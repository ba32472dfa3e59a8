import type { MembersReply } from '../protocol';
import { failureCode } from './failure';
import type { Members } from './members';
import type { Clock } from './ports';

const RETRY_MS = 15_000;

export interface RosterSource {
  online(): boolean;
  /** Undefined when the room is not ours any more. */
  members(roomId: string): Members | undefined;
  request(roomId: string): Promise<MembersReply>;
  took(roomId: string, reply: MembersReply): void;
  /** After every answer, also after a failure. */
  changed(roomId: string): void;
}

/** Fetches the members of the rooms that somebody looks at, one room at a time. */
export class Roster {
  #queue: string[] = [];
  #isBusy = false;

  constructor(
    private readonly clock: Clock,
    private readonly source: RosterSource,
  ) {}

  /** Have the members of a displayed room, now or soon. */
  want(roomId: string, isUrgent = false): void {
    const members = this.source.members(roomId);
    if (!members || members.state === 'ready' || members.state === 'loading') return;
    if (members.retryAt > this.clock.now() && !isUrgent) return;
    if (!this.#queue.includes(roomId)) this.#queue.push(roomId);
    void this.fetch();
  }

  /** Go on with what was wanted. */
  async fetch(): Promise<void> {
    if (this.#isBusy) return;
    this.#isBusy = true;
    try {
      while (this.source.online()) {
        const roomId = this.#queue.shift();
        if (roomId === undefined) break;
        await this.#fetchOne(roomId);
      }
    } finally {
      this.#isBusy = false;
    }
  }

  async #fetchOne(roomId: string): Promise<void> {
    const members = this.source.members(roomId);
    if (!members || members.state === 'ready') return;
    members.state = 'loading';
    try {
      const reply = await this.source.request(roomId);
      const missed = (members.state as string) === 'stale';
      members.retryAt = 0;
      members.take(reply, true);
      this.source.took(roomId, reply);
      if (missed) members.doubt();
    } catch (error) {
      members.state = members.byId.size ? 'stale' : 'none';
      if (failureCode(error) === 'lost') this.#queue.push(roomId);
      else members.retryAt = this.clock.now() + RETRY_MS;
    }
    this.source.changed(roomId);
  }
}
