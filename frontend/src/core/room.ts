import { TELLING_AUDIENCE_MAX, type EnterReply, type Entry, type Preview, type Room } from '../protocol';
import type { Blocks } from './blocks';
import { Log } from './log';
import { Members } from './members';
import { previewOf } from './preview';
import { isChat, UnreadCount, type ReadState } from './unread';

/** So much is held of a log that merely follows along; replies may be older than pushes. */
const FOLLOWED_MAX = 50;
const RULING = /host|role|left|kick|sil|slow|pin|lock|ac/;

/** One of the person's rooms. Its log is held from the moment it is entered (`loaded`). */
export class RoomState {
  readonly id: string;
  readonly epoch: string;
  readonly members = new Members();
  /** How far others are known to have read, by their ids. */
  readonly readers = new Map<string, number>();
  /** Of a room for two, what the other one is called. */
  name: string;
  /** With whom one was matched; '' in rooms that have a name of their own. */
  readonly partnerId: string;
  /** Who of the two wants to keep it, as of the last snapshot. */
  keepers: readonly string[] | undefined;
  /** The snapshot that knows most of how the room is ruled, and notices that change that. */
  ruled: Room;
  notices: readonly Entry[] = [];
  activeAt: number;
  preview: Preview | undefined;
  log: Log;
  /** Whether `log` holds what was said; else it only follows along from the last seq. */
  loaded = false;
  /** Whether it is muted for this person, on all their devices, as far as the server has said. */
  isMuted: boolean;
  /** What they want instead, until that is answered. */
  muteWish: boolean | undefined;
  /** A part far from the end of the log, while that is shown instead; it does not touch `log`. */
  past: Log | null = null;
  /** How the pages around what is shown are doing; what failed waits until it is asked for again. */
  readonly paging: Record<'before' | 'after', '' | 'loading' | 'failed'> = { before: '', after: '' };
  #count: number;
  /** The count of the snapshot includes everything up to here. */
  #snapshotSeq: number;
  readonly #unread: UnreadCount;
  /** Which chat the preview shows, in which version; 0 when the server did not say. */
  #previewSeq = 0;
  #previewVersion = 0;
  /** The place of the notice that the name is from. */
  #nameSeq: number;

  constructor(
    room: Room,
    private readonly me: string,
    private readonly blocks?: Blocks,
  ) {
    this.id = room.room_id;
    this.epoch = room.epoch;
    this.name = room.name;
    this.partnerId = room.partner_id ?? '';
    this.keepers = room.keepers;
    this.#nameSeq = room.name_seq ?? 0;
    this.isMuted = room.muted ?? false;
    this.ruled = room;
    this.activeAt = room.active_at ?? 0;
    this.preview = room.preview;
    this.#count = room.member_count;
    this.#snapshotSeq = room.last_seq;
    this.#unread = new UnreadCount(readState(room), me);
    this.log = new Log(room.last_seq);
  }

  /** The part of the log that a person looks at. */
  get shown(): Log {
    return this.past ?? this.log;
  }

  get hostId(): string {
    const last = this.notices.findLast(({ kind }) => kind === 'host_changed');
    return last?.user_id ?? this.ruled.host_id;
  }

  /** Whether it is to be quiet: as the person wants it. */
  get muted(): boolean {
    return this.muteWish ?? this.isMuted;
  }

  get memberCount(): number {
    return this.members.complete ? this.members.byId.size : Math.max(1, this.#count);
  }

  get readSeq(): number {
    return this.#unread.readSeq;
  }

  /** Chats of others that were not read yet, but for what is hidden of whom one has blocked. */
  get unread(): number {
    const count = this.unreadByServer;
    return count && this.blocks?.any ? Math.max(0, count - this.#hiddenIn(this.blocks)) : count;
  }

  /** The same as the server counts it, who hides nothing. */
  get unreadByServer(): number {
    return this.#unread.value(this.log);
  }

  /** False while `unread` is only an upper bound, which the server would know exactly. */
  get isUnreadKnown(): boolean {
    return this.#unread.isKnown(this.log);
  }

  /** Take another snapshot of the same log; pushes may have overtaken it. */
  refresh(room: Room): void {
    const { last_seq: last } = room;
    this.#named({ kind: 'renamed', seq: room.name_seq ?? 0, text: room.name });
    this.keepers = room.keepers;
    this.isMuted = room.muted ?? false;
    const { rules_seq: ruledTo = 0 } = room;
    if (ruledTo >= (this.ruled.rules_seq ?? 0)) {
      this.ruled = room;
      this.notices = this.notices.filter(({ seq }) => seq > ruledTo);
    }
    this.activeAt = Math.max(this.activeAt, room.active_at ?? 0);
    const { preview } = room;
    const isNewer = preview && preview.at > (this.preview?.at ?? 0);
    // The same chat may have been changed while nobody told us.
    const isSame = preview && preview.at === this.preview?.at && last >= this.log.last;
    const isChanged =
      preview?.text !== this.preview?.text || preview?.deleted !== this.preview?.deleted;
    if (isNewer || (isSame && isChanged)) {
      this.preview = preview;
      this.#previewSeq = this.#previewVersion = 0;
    }
    if (!this.loaded && last > this.log.last) {
      this.members.doubt();
      this.log = new Log(last);
    }
    this.takeReadState(readState(room));
    if (!this.log.holds(last, this.log.last)) return;
    this.#count = room.member_count;
    this.#snapshotSeq = last;
    for (const entry of this.log.entries) if (entry.seq > last) this.#membersChanged(entry);
  }

  /** Take what the server says is unread. */
  takeReadState(state: ReadState): void {
    this.#unread.take(state, this.log);
  }

  /** What stands at `seq`, if it is held. */
  at(seq: number): Entry | undefined {
    return this.log.at(seq) ?? this.past?.at(seq);
  }

  /** Show a part of the log, or the end of it with all before that is held. */
  show(past: Log | null): void {
    const { log } = this;
    this.past = past;
    if (!past) return;
    // Changes that were made since it was read have come to the log.
    past.learnFrom(log);
    if (past.last < log.first - 1) return;
    // Where the two parts meet, they become one.
    if (past.first < log.first) log.precede(past.entries, past.hasBefore);
    this.past = null;
  }

  /** Hold the newest page. */
  enter(reply: EnterReply): void {
    this.past = null;
    this.log = Log.of(reply.entries, reply.has_before ?? false);
    this.loaded = true;
    this.members.doubt();
    for (const entry of reply.entries) {
      this.#named(entry);
      this.#noticed(entry);
      this.#unread.appended(entry, this.log);
      this.#showPreview(entry);
      this.#learnReader(entry);
    }
  }

  /** Pushed entries, in any order. Returns those that are new and in their place. */
  push(entries: Entry[]): Entry[] {
    // What was said last is known even when what was said before it is not.
    for (const entry of entries) {
      this.#showPreview(entry);
      // A snapshot may be from between the moments in which it was written and read.
      const isPassed = entry.seq <= this.log.last;
      if (isPassed && isChat(entry) && entry.user_id === this.me) this.markRead(entry.seq);
    }
    this.past?.learn(entries);
    return this.#happened(this.log.push(entries));
  }

  /** Entries of a reply, free of gaps. Returns those that are new. */
  follow(after: number, entries: Entry[]): Entry[] {
    for (const entry of entries) this.#showPreview(entry);
    this.past?.learn(entries);
    return this.#happened(this.log.follow(after, entries));
  }

  markRead(seq: number): void {
    this.#unread.markRead(seq, this.log);
  }

  /** Somebody else has read up to `seq`. */
  markReader(userId: string, seq: number): void {
    if (seq > (this.readers.get(userId) ?? -1)) this.readers.set(userId, seq);
  }

  /** Whether members are told how far the others have read. */
  get tellsReading(): boolean {
    return this.memberCount <= TELLING_AUDIENCE_MAX;
  }

  /**
   * How many members have not read what stands at `seq`; 0 where that is not told, or while it
   * is not known of all.
   */
  unreadBy(seq: number): number {
    const { byId, after } = this.members;
    if (!this.tellsReading || after !== undefined || byId.size < this.#count) return 0;
    let count = 0;
    for (const userId of byId.keys()) {
      const read = userId === this.me ? this.readSeq : this.readers.get(userId);
      if (read === undefined) return 0;
      if (read < seq) count++;
    }
    return count;
  }

  /** Of unread chats, as far as one knows whose they are: those that are held, and the last one. */
  #hiddenIn(blocks: Blocks): number {
    const { entries } = this.log;
    let count = +blocks.has(this.preview?.user_id as string);
    for (const entry of entries) {
      if (entry.seq <= this.readSeq || !isChat(entry) || this.#isPreviewed(entry)) continue;
      count += +blocks.has(entry.user_id);
    }
    return count;
  }

  #happened(added: Entry[]): Entry[] {
    for (const entry of added) {
      this.activeAt = Math.max(this.activeAt, entry.at);
      this.#unread.appended(entry, this.log);
      this.#learnReader(entry);
      this.#named(entry);
      this.#noticed(entry);
      this.#membersChanged(entry);
    }
    if (!this.loaded) this.log.trim(FOLLOWED_MAX);
    return added;
  }

  /** Who says something has read what is before it. */
  #learnReader(entry: Entry): void {
    if (entry.user_id === this.me) return;
    if (isChat(entry)) this.markReader(entry.user_id, entry.seq);
    else if (entry.kind === 'left') this.readers.delete(entry.user_id);
    else if (entry.kind === 'kicked') this.readers.delete(entry.about ?? '');
    // Whoever comes in begins to read there.
    else if (entry.kind === 'joined') this.markReader(entry.user_id, entry.seq);
  }

  /** What is ruled is worked out where it is shown (rules.ts). */
  #noticed(entry: Entry): void {
    if (!RULING.test(entry.kind ?? '') || entry.seq <= (this.ruled.rules_seq ?? 0)) return;
    this.notices = [...this.notices, entry];
  }

  /** The latest name counts: a snapshot may be from before a notice that is known already. */
  #named({ kind, seq, text = '' }: Pick<Entry, 'kind' | 'seq' | 'text'>): void {
    if (kind !== 'renamed' || seq < this.#nameSeq) return;
    this.#nameSeq = seq;
    this.name = text;
  }

  /** The last chat is what the room list shows, in its latest state. */
  #showPreview(entry: Entry): void {
    const { changed } = entry;
    if (changed && this.#isPreviewed(changed)) this.#changePreview(changed);
    if (!isChat(entry)) return;
    if (this.#isPreviewed(entry)) this.#changePreview(entry);
    else if (entry.at >= (this.preview?.at ?? 0) && entry.seq > this.#previewSeq) {
      this.#setPreview(entry);
    }
  }

  #isPreviewed({ at, user_id, seq }: Entry): boolean {
    const { preview } = this;
    if (this.#previewSeq) return seq === this.#previewSeq;
    return at === preview?.at && user_id === preview.user_id;
  }

  #changePreview(chat: Entry): void {
    if ((chat.version ?? 0) > this.#previewVersion) this.#setPreview(chat);
  }

  #setPreview(chat: Entry): void {
    const { user_id, text = '', at, deleted } = chat;
    this.preview = { user_id, text: previewOf(text), at, ...(deleted ? { deleted } : {}) };
    this.#previewSeq = chat.seq;
    this.#previewVersion = chat.version ?? 0;
  }

  #membersChanged(entry: Entry): void {
    const isNews = entry.seq > this.#snapshotSeq;
    const { byId } = this.members;
    switch (entry.kind) {
      case 'joined':
        if (isNews) this.#count++;
        if (!byId.has(entry.user_id)) {
          byId.set(entry.user_id, { user_id: entry.user_id, joined_at: entry.at });
        }
        break;
      case 'kicked':
      case 'left':
        if (isNews) this.#count--;
        byId.delete(entry.about ?? entry.user_id);
        // From here on reading is told; how far they have read, the members' list says.
        if (this.#count === TELLING_AUDIENCE_MAX) this.members.doubt();
        break;
      case 'silenced': {
        const member = byId.get(entry.about ?? '');
        // (Of no seconds it ends then.)
        if (member) member.silenced_until = entry.at + Number(entry.text) * 1000;
        break;
      }
      default:
        return;
    }
    // Whoever asks just now may get an answer from before this.
    if (this.members.state === 'loading') this.members.state = 'stale';
  }
}

function readState(room: Room): ReadState {
  return { readSeq: room.read_seq ?? 0, unread: room.unread ?? 0, lastSeq: room.last_seq };
}
