import type { Member, MembersReply } from '../protocol';

/** Who is in a room, as far as it has been asked for. */
export class Members {
  readonly byId = new Map<string, Member>();
  /** `stale`: something was missed, ask again. */
  state: 'none' | 'loading' | 'ready' | 'stale' = 'none';
  /** Not asked again before, after an error. */
  retryAt = 0;
  /** Where the next page begins; undefined when everybody is here. */
  after: string | undefined;

  get complete(): boolean {
    return this.state === 'ready' && this.after === undefined;
  }

  take(reply: MembersReply, isFirstPage: boolean): void {
    if (isFirstPage) this.byId.clear();
    for (const member of reply.members) this.byId.set(member.user_id, member);
    this.after = reply.after;
    this.state = 'ready';
  }

  /** Whether somebody may say nothing at that time. */
  isSilenced(userId: string, now: number): boolean {
    return (this.byId.get(userId)?.silenced_until ?? 0) > now;
  }

  doubt(): void {
    if (this.state === 'ready') this.state = 'stale';
  }
}
