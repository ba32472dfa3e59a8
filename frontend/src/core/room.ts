import {
  PREVIEW_MAX,
  type EnterReply,
  type Entry,
  type Member,
  type MembersReply,
  type Preview,
  type Room,
} from '../protocol';
import { Log } from './log';

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

  doubt(): void {
    if (this.state === 'ready') this.state = 'stale';
  }
}

/** One of the person's rooms. Its log is held from the moment it is entered (`loaded`). */
export class RoomState {
  readonly id: string;
  readonly epoch: string;
  readonly members = new Members();
  name: string;
  hostId: string;
  activeAt: number;
  readSeq: number;
  preview: Preview | undefined;
  log: Log;
  /** Whether `log` holds what was said; else it only follows along from the last seq. */
  loaded = false;
  /** Whether a page of history is on its way. */
  loadingBefore = false;
  #count: number;
  /** Counts and hosts of the snapshot include everything up to here. */
  #snapshotSeq: number;
  /** Unread chats as far as they can be known without the log; never too few. */
  #unreadAtMost: number;

  constructor(
    room: Room,
    private readonly me: string,
  ) {
    this.id = room.room_id;
    this.epoch = room.epoch;
    this.name = room.name;
    this.hostId = room.host_id;
    this.activeAt = room.active_at ?? 0;
    this.readSeq = room.read_seq ?? 0;
    this.preview = room.preview;
    this.#count = room.member_count;
    this.#snapshotSeq = room.last_seq;
    this.#unreadAtMost = Math.max(0, room.last_seq - this.readSeq);
    this.log = new Log(room.last_seq);
  }

  get memberCount(): number {
    return this.members.complete ? this.members.byId.size : Math.max(1, this.#count);
  }

  get unread(): number {
    if (this.log.first > this.readSeq + 1) return this.#unreadAtMost;
    let count = 0;
    const { entries } = this.log;
    for (let i = entries.length - 1; i >= 0; i--) {
      const entry = entries[i] as Entry;
      if (entry.seq <= this.readSeq) break;
      if (isChat(entry) && entry.user_id !== this.me) count++;
    }
    return count;
  }

  /** Take a newer snapshot of the same log. */
  refresh(room: Room): void {
    this.name = room.name;
    this.hostId = room.host_id;
    this.activeAt = Math.max(this.activeAt, room.active_at ?? 0);
    this.markRead(room.read_seq ?? 0);
    this.#count = room.member_count;
    this.#snapshotSeq = room.last_seq;
    if (room.preview && room.preview.at >= (this.preview?.at ?? 0)) this.preview = room.preview;
    if (!this.loaded && room.last_seq !== this.log.last) {
      this.members.doubt();
      this.#unreadAtMost = Math.max(0, room.last_seq - this.readSeq);
      this.log = new Log(room.last_seq);
    }
  }

  /** Hold the newest page. */
  enter(reply: EnterReply): void {
    this.log = Log.of(reply.entries, reply.has_before ?? false);
    this.loaded = true;
    this.members.doubt();
    this.#unreadAtMost = Math.max(0, this.log.last - this.readSeq);
  }

  /** Pushed entries, in any order. Returns those that are new and in their place. */
  push(entries: Entry[]): Entry[] {
    // What was said last is known even when what was said before it is not.
    for (const entry of entries) this.#showPreview(entry);
    return this.#happened(this.log.push(entries));
  }

  /** Entries of a reply, free of gaps. Returns those that are new. */
  follow(after: number, entries: Entry[]): Entry[] {
    return this.#happened(this.log.follow(after, entries));
  }

  markRead(seq: number): void {
    if (seq <= this.readSeq) return;
    this.readSeq = seq;
    this.#unreadAtMost = Math.min(this.#unreadAtMost, Math.max(0, this.log.last - seq));
  }

  #happened(added: Entry[]): Entry[] {
    for (const entry of added) {
      this.activeAt = Math.max(this.activeAt, entry.at);
      this.#showPreview(entry);
      if (isChat(entry)) {
        if (entry.user_id !== this.me && entry.seq > this.readSeq) this.#unreadAtMost++;
      } else {
        this.#membersChanged(entry);
      }
    }
    if (!this.loaded) this.log.trim(0);
    return added;
  }

  #showPreview(entry: Entry): void {
    if (!isChat(entry) || entry.at < (this.preview?.at ?? 0)) return;
    const text = [...(entry.text ?? '')].slice(0, PREVIEW_MAX).join('');
    this.preview = { user_id: entry.user_id, text, at: entry.at };
  }

  #membersChanged(entry: Entry): void {
    const isNews = entry.seq > this.#snapshotSeq;
    const { byId } = this.members;
    // Whoever asks just now may get an answer from before this.
    if (this.members.state === 'loading') this.members.state = 'stale';
    switch (entry.kind) {
      case 'joined':
        if (isNews) this.#count++;
        if (!byId.has(entry.user_id)) {
          byId.set(entry.user_id, { user_id: entry.user_id, joined_at: entry.at });
        }
        break;
      case 'left':
        if (isNews) this.#count--;
        byId.delete(entry.user_id);
        break;
      case 'created':
      case 'host_changed':
        if (isNews) this.hostId = entry.user_id;
        break;
      default:
    }
  }
}

export function isChat(entry: Entry): boolean {
  return entry.kind === undefined || entry.kind === 'chat';
}
