import {
  CLAIMS_PER_MEMBER,
  WRITE_WITHIN_MS,
  type AnyCommand,
  type AnyEvent,
  type DeleteChat,
  type EditChat,
  type Entry,
  type EntryKind,
  type ErrorCode,
  type Preview,
  type React,
  type Room,
  type SendChat,
  type SyncedRoom,
  type User,
} from '../../src/protocol';
import type { Dial, SocketEvents } from '../../src/core/ports';
import type { FakeClock } from './fakes';

interface FakeRoom {
  id: string;
  name: string;
  hostId: string;
  epoch: string;
  members: Set<string>;
  /** Where its name is from. */
  nameSeq: number;
  mutedBy: Set<string>;
  /** Chats in their present state. */
  log: Entry[];
  /** What was said, as it was said at first. */
  written: string[];
  /** Which chat each entry of kind `changed` is about. */
  targets: Map<number, number>;
  /** The latest chats of each person by their cid, oldest first. */
  claims: Map<string, Map<string, number>>;
}

interface Wire {
  userId: string;
  events: SocketEvents;
  isOpen: boolean;
  isRegistered: boolean;
}

/** How badly the network and the server behave; shares from 0 to 1. */
export interface Faults {
  /** Pushed events that never arrive. */
  dropEvent: number;
  /** Events that arrive twice. */
  duplicate: number;
  /** Commands that are carried out but not answered. */
  dropReply: number;
  /** Commands that never arrive. */
  dropCommand: number;
  /** Commands answered with `internal`, or with API Gateway's own frame. */
  error: number;
  /** Commands that are carried out seconds later, also when their connection is gone by then. */
  late: number;
  /** The connection breaks around a frame. */
  cut: number;
  /** Longest delay of a frame; frames overtake each other. */
  delayMs: number;
}

export const NO_FAULTS: Faults = {
  dropEvent: 0,
  duplicate: 0,
  dropReply: 0,
  dropCommand: 0,
  error: 0,
  late: 0,
  cut: 0,
  delayMs: 5,
};

/** A Ping-Pong server in memory that keeps the promises and nothing more. */
/** A refusal for now: the same may be asked for after so many ms. */
export interface NotYet {
  code: ErrorCode;
  after: number;
}

export class FakeServer {
  faults: Faults = { ...NO_FAULTS };
  readonly users = new Map<string, User>();
  readonly rooms = new Map<string, FakeRoom>();
  readonly signedOut = new Set<string>();
  /** Every command that arrived and when it was sent, for assertions. */
  readonly received: { userId: string; at: number; command: AnyCommand }[] = [];
  /**
   * Whether a person's chats push each other out of its memory also when many come within 8 s,
   * as long as nothing controls floods (docs/decisions/0013-claims.md).
   */
  isForgetful = false;
  pageSize = 50;
  syncPage = 20;
  /** Whether a command that has arrived is carried out, or why not; in the hands of a test. */
  takes: (command: AnyCommand) => boolean | ErrorCode | NotYet = () => true;
  #wires = new Set<Wire>();
  #blocks = new Map<string, Set<string>>();
  #reads = new Map<string, number>();
  #rooms = 0;

  constructor(
    private readonly clock: FakeClock,
    public random: () => number,
  ) {}

  dialFor(userId: string): Dial {
    return (events) => {
      const wire: Wire = { userId, events, isOpen: true, isRegistered: false };
      this.clock.after(1, () => {
        if (!wire.isOpen) return;
        if (this.signedOut.has(userId) || this.#chance(this.faults.cut)) return this.#cut(wire);
        this.#wires.add(wire);
        events.opened();
      });
      return {
        send: (text) => this.#incoming(wire, text),
        close: () => this.#cut(wire),
      };
    };
  }

  addUser(userId: string, nickname = userId): void {
    this.users.set(userId, { nickname });
  }

  addRoom(name: string, hostId: string, others: string[] = []): FakeRoom {
    const room: FakeRoom = {
      id: `room${++this.#rooms}`,
      name,
      hostId,
      epoch: `e${this.#rooms}`,
      members: new Set([hostId]),
      nameSeq: 0,
      mutedBy: new Set(),
      log: [],
      written: [],
      targets: new Map(),
      claims: new Map(),
    };
    this.rooms.set(room.id, room);
    this.append(room, 'created', hostId);
    for (const other of others) {
      room.members.add(other);
      this.append(room, 'joined', other);
    }
    return room;
  }

  append(
    room: FakeRoom,
    kind: EntryKind,
    userId: string,
    text = '',
    cid = '',
    more: Partial<Entry> = {},
  ): Entry {
    const seq = room.log.length + 1;
    const entry: Entry = { seq, user_id: userId, at: this.clock.now(), ...more };
    if (kind !== 'chat') entry.kind = kind;
    if (text) entry.text = text;
    if (cid) entry.cid = cid;
    room.log.push(entry);
    if (kind === 'chat') room.written.push(text);
    if (kind === 'chat') this.#read(room, userId, entry.seq);
    this.#pushEntry(room, entry);
    return entry;
  }

  /** Change a chat in place and say so in the log; the entry that says it. */
  change(room: FakeRoom, userId: string, seq: number, how: Partial<Entry>): Entry {
    const index = seq - 1;
    const chat = room.log[index] as Entry;
    room.log[index] = { ...chat, ...how, version: (chat.version ?? 0) + 1 };
    room.targets.set(room.log.length + 1, seq);
    return this.#page(room, [this.append(room, 'changed', userId)])[0] as Entry;
  }

  /** A room's entries as clients get them: changes have the state of their chat, once a page. */
  #page(room: FakeRoom, entries: Entry[]): Entry[] {
    const told = new Set<number>();
    const page = entries.toReversed().map((entry) => {
      const target = room.targets.get(entry.seq);
      if (target === undefined || told.has(target)) return entry;
      told.add(target);
      return { ...entry, changed: room.log[target - 1] as Entry };
    });
    return page.toReversed();
  }

  #pushEntry(room: FakeRoom, entry: Entry): void {
    const entries = this.#page(room, [entry]);
    const users = this.#usersOf(entries);
    this.#push(room, { type: 'entries.added', room_id: room.id, entries, users });
  }

  /** Chats of others after what a person has read. */
  unreadOf(room: FakeRoom, userId: string): number {
    const readSeq = this.readSeqOf(room, userId);
    return room.log.filter((entry) => entry.seq > readSeq && !entry.kind).length;
  }

  readSeqOf(room: FakeRoom, userId: string): number {
    return this.#reads.get(`${room.id} ${userId}`) ?? 0;
  }

  /** Has a person read up to `seq`? It never goes back; false if they had before. */
  #read(room: FakeRoom, userId: string, seq: number): boolean {
    if (seq <= this.readSeqOf(room, userId)) return false;
    this.#reads.set(`${room.id} ${userId}`, seq);
    return true;
  }

  /** Somebody has read on: tell the room, but not the connection that said it. */
  markRead(room: FakeRoom, userId: string, seq: number, but?: Wire): void {
    if (!this.#read(room, userId, seq)) return;
    this.#push(room, { type: 'read.marked', room_id: room.id, user_id: userId, seq }, but);
  }

  rename(room: FakeRoom, name: string): void {
    room.name = name;
    room.nameSeq = room.log.length + 1;
    this.append(room, 'renamed', room.hostId, name);
  }

  mute(room: FakeRoom, userId: string, on: boolean, but?: Wire): void {
    if (room.mutedBy.has(userId) === on) return;
    if (on) room.mutedBy.add(userId);
    else room.mutedBy.delete(userId);
    for (const wire of this.#wires) {
      if (wire.userId !== userId || !wire.isRegistered || wire === but) continue;
      this.#deliver(wire, { type: 'room.muted', room_id: room.id, muted: on });
    }
  }

  blockedBy(userId: string): Set<string> {
    const found = this.#blocks.get(userId) ?? new Set();
    this.#blocks.set(userId, found);
    return found;
  }

  block(userId: string, blockedId: string, on: boolean, but?: Wire): void {
    const found = this.blockedBy(userId);
    if (found.has(blockedId) === on) return;
    if (on) found.add(blockedId);
    else found.delete(blockedId);
    for (const wire of this.#wires) {
      if (wire.userId !== userId || !wire.isRegistered || wire === but) continue;
      this.#deliver(wire, { type: 'user.blocked', user_id: blockedId, blocked: on });
    }
  }

  /** Chats of a room as text, oldest first. */
  said(roomId: string): string[] {
    const log = this.rooms.get(roomId)?.log ?? [];
    return log.filter((entry) => !entry.kind).map((entry) => entry.text ?? '');
  }

  sendTo(userId: string, event: AnyEvent): void {
    for (const wire of this.#wires) {
      if (wire.userId === userId && wire.isRegistered) this.#deliver(wire, event);
    }
  }

  close(roomId: string): void {
    const room = this.rooms.get(roomId);
    if (!room) return;
    this.rooms.delete(roomId);
    this.#push(room, { type: 'room.closed', room_id: roomId, name: room.name });
  }

  cutAll(userId?: string): void {
    for (const wire of Array.from(this.#wires)) {
      if (userId === undefined || wire.userId === userId) this.#cut(wire);
    }
  }

  // --- Frames

  #incoming(wire: Wire, text: string): void {
    if (!wire.isOpen || this.#chance(this.faults.dropCommand)) return;
    const sentAt = this.clock.now();
    const isLate = this.#chance(this.faults.late);
    const delay = isLate ? 1_000 + this.random() * 9_000 : this.#delay();
    this.clock.after(delay, () => {
      if (!wire.isOpen && !isLate) return;
      const command = JSON.parse(text) as AnyCommand;
      this.received.push({ userId: wire.userId, at: sentAt, command });
      const taken = this.takes(command);
      if (typeof taken === 'string') return this.#fail(wire, command, taken);
      if (typeof taken === 'object') return this.#fail(wire, command, taken.code, taken.after);
      if (!taken) return;
      if (this.clock.now() - sentAt > WRITE_WITHIN_MS) return this.#fail(wire, command, 'stale');
      if (this.#chance(this.faults.cut)) return this.#cut(wire);
      if (this.#chance(this.faults.error)) {
        if (this.#chance(0.5)) this.#deliver(wire, { message: 'Internal server error' });
        else this.#fail(wire, command, 'internal');
        return;
      }
      this.#handle(wire, command);
    });
  }

  #reply(wire: Wire, command: AnyCommand, fields: object): void {
    if (this.#chance(this.faults.dropReply)) return;
    this.#deliver(wire, { type: 'ok', ref: command.ref, ...fields });
  }

  #fail(wire: Wire, command: AnyCommand, code: string, after = 0): void {
    const later = after ? { retry_after_ms: after } : {};
    this.#deliver(wire, { type: 'error', ref: command.ref, code, message: code, ...later });
  }

  #push(room: FakeRoom, event: AnyEvent, but?: Wire): void {
    for (const wire of this.#wires) {
      if (!wire.isRegistered || !room.members.has(wire.userId) || wire === but) continue;
      if (!this.#chance(this.faults.dropEvent)) this.#deliver(wire, event);
      if (this.#chance(this.faults.duplicate)) this.#deliver(wire, event);
    }
  }

  #deliver(wire: Wire, frame: object): void {
    const text = JSON.stringify(frame);
    this.clock.after(this.#delay(), () => {
      if (wire.isOpen) wire.events.frame(text);
    });
  }

  #cut(wire: Wire): void {
    if (!wire.isOpen) return;
    wire.isOpen = false;
    this.#wires.delete(wire);
    this.clock.after(1, () => wire.events.closed());
  }

  #delay(): number {
    return 1 + Math.floor(this.random() * this.faults.delayMs);
  }

  #chance(share: number): boolean {
    return share > 0 && this.random() < share;
  }

  // --- Commands

  #handle(wire: Wire, command: AnyCommand): void {
    const me = wire.userId;
    if (command.type === 'session.hello') {
      wire.isRegistered = true;
      const mine = [...this.rooms.values()].filter((room) => room.members.has(me));
      this.#reply(wire, command, {
        me: { user_id: me, nickname: this.users.get(me)?.nickname },
        rooms: mine.map((room) => this.#room(room, me)),
        users: Object.fromEntries(this.users),
        now: this.clock.now(),
        blocked: [...this.blockedBy(me)].sort(),
      });
      return;
    }
    if (!wire.isRegistered) return this.#fail(wire, command, 'hello_first');
    if (command.type === 'room.sync') {
      const rooms = command.rooms.map((at) => this.#sync(at.room_id, at.after, at.epoch ?? '', me));
      this.#reply(wire, command, { rooms, users: Object.fromEntries(this.users) });
      return;
    }
    if (command.type === 'room.open') {
      const found = [...this.rooms.values()].find((room) => room.name === command.name);
      const room = found ?? this.addRoom(command.name, me);
      this.#reply(wire, command, {
        room: {
          room_id: room.id,
          name: room.name,
          member_count: room.members.size,
          is_member: room.members.has(me),
        },
        created: !found,
      });
      return;
    }
    if (command.type === 'room.list') {
      const rooms = command.room_ids.flatMap((roomId) => {
        const listed = this.rooms.get(roomId);
        return listed?.members.has(me) ? [this.#room(listed, me)] : [];
      });
      return this.#reply(wire, command, { rooms, users: {} });
    }
    if (command.type === 'profile.update') return this.#fail(wire, command, 'unknown_type');
    if (command.type === 'user.block') {
      if (!this.users.has(command.user_id)) return this.#fail(wire, command, 'user_not_found');
      this.block(me, command.user_id, command.on ?? true, wire);
      return this.#reply(wire, command, {});
    }
    if (command.type === 'user.blocks') {
      const user_ids = [...this.blockedBy(me)].sort();
      return this.#reply(wire, command, { user_ids, users: Object.fromEntries(this.users) });
    }
    if (command.type === 'match.seek' || command.type === 'match.cancel') {
      return this.#fail(wire, command, 'unknown_type');
    }
    if (command.type === 'directory.list' || command.type === 'directory.search') {
      return this.#fail(wire, command, 'unknown_type');
    }
    const room = this.rooms.get(command.room_id);
    if (!room) return this.#fail(wire, command, 'room_not_found');
    const users = Object.fromEntries(this.users);
    if (command.type === 'room.enter') {
      const joined = !room.members.has(me);
      if (joined) {
        room.members.add(me);
        this.#read(room, me, this.append(room, 'joined', me).seq);
      }
      const entries = this.#page(room, room.log.slice(-this.pageSize));
      const fields = { room: this.#room(room, me), entries, users };
      const has_before = (entries[0]?.seq ?? 1) > 1;
      return this.#reply(wire, command, { ...fields, joined, has_before });
    }
    if (!room.members.has(me)) return this.#fail(wire, command, 'not_member');
    switch (command.type) {
      case 'chat.send': {
        const { reply_to: replyTo = 0 } = command;
        const answered = room.log[replyTo - 1];
        if (replyTo && (!answered || answered.kind)) {
          return this.#fail(wire, command, 'chat_not_found');
        }
        return this.#reply(wire, command, { entry: this.#send(room, me, command) });
      }
      case 'chat.edit':
      case 'chat.delete':
      case 'chat.react':
        return this.#changeBy(wire, room, command);
      case 'typing.signal': {
        const event = { type: 'typing.signalled', room_id: room.id, user_id: me } as const;
        this.#push(room, event, wire);
        return this.#reply(wire, command, {});
      }
      case 'room.present': {
        const here = [...this.#wires].filter((each) => room.members.has(each.userId));
        const user_ids = [...new Set(here.map((each) => each.userId))].sort();
        return this.#reply(wire, command, { user_ids, count: user_ids.length });
      }
      case 'chat.history': {
        const { before = room.log.length + 1, after, limit = this.pageSize } = command;
        const most = Math.min(limit, this.pageSize);
        const from = after ?? Math.max(0, before - 1 - most);
        const to = after === undefined ? before - 1 : after + most;
        const entries = this.#page(room, room.log.slice(from, to));
        const has_after = to < room.log.length;
        return this.#reply(wire, command, { entries, users, has_before: from > 0, has_after });
      }
      case 'room.members': {
        const members = [...room.members].map((user_id) => {
          return { user_id, joined_at: 0, read_seq: this.readSeqOf(room, user_id) };
        });
        return this.#reply(wire, command, { members, users });
      }
      case 'room.rename': {
        if (room.hostId !== me) return this.#fail(wire, command, 'not_host');
        const { name } = command;
        const isTaken = [...this.rooms.values()].some((each) => each !== room && each.name === name);
        if (isTaken) return this.#fail(wire, command, 'room_name_taken');
        if (room.name !== name) this.rename(room, name);
        return this.#reply(wire, command, {});
      }
      case 'room.mute': {
        const { on = true } = command;
        this.mute(room, me, on, wire);
        return this.#reply(wire, command, {});
      }
      case 'room.read':
        this.markRead(room, me, command.seq, wire);
        return this.#reply(wire, command, {});
      case 'room.leave':
        if (command.close) this.close(room.id);
        room.members.delete(me);
        this.append(room, 'left', me);
        return this.#reply(wire, command, {});
    }
  }

  /** A chat once, whichever of its tries come, and in whatever order. */
  #send(room: FakeRoom, me: string, command: SendChat): Entry {
    const { cid, text, retry_since: since, reply_to } = command;
    const claims = room.claims.get(me) ?? new Map<string, number>();
    room.claims.set(me, claims);
    const claimed = claims.get(cid);
    if (claimed !== undefined) return room.log[claimed - 1] as Entry;
    // A repeat from long ago: so many others may have been said since that its claim is gone.
    const written = (entry: Entry) => entry.cid === cid && entry.user_id === me;
    const found = since === undefined ? undefined : room.log.slice(since).find(written);
    if (found) return found;
    const entry = this.append(room, 'chat', me, text, cid, reply_to ? { reply_to } : {});
    claims.set(cid, entry.seq);
    for (const [old, seq] of [...claims].slice(0, -CLAIMS_PER_MEMBER)) {
      const { at } = room.log[seq - 1] as Entry;
      if (this.isForgetful || at < this.clock.now() - WRITE_WITHIN_MS) claims.delete(old);
    }
    return entry;
  }

  #changeBy(wire: Wire, room: FakeRoom, command: EditChat | DeleteChat | React): void {
    const me = wire.userId;
    const chat = room.log[command.seq - 1];
    if (!chat || chat.kind || (chat.deleted && command.type !== 'chat.delete')) {
      return this.#fail(wire, command, 'chat_not_found');
    }
    let how: Partial<Entry> | null = null;
    if (command.type === 'chat.react') {
      const { emoji, on = true } = command;
      const others = (chat.reactions?.[emoji] ?? []).filter((each) => each !== me);
      const people = on ? [...others, me].sort() : others;
      const { [emoji]: before = [], ...rest } = chat.reactions ?? {};
      if (people.length !== before.length) {
        how = { reactions: people.length ? { ...rest, [emoji]: people } : rest };
      }
    } else if (chat.user_id !== me) {
      return this.#fail(wire, command, 'not_author');
    } else if (command.type === 'chat.edit') {
      if (command.text !== chat.text) how = { text: command.text, edited_at: this.clock.now() };
    } else if (!chat.deleted) {
      how = { deleted: true, text: '', reactions: {} };
    }
    const entry = how && this.change(room, me, command.seq, how);
    this.#reply(wire, command, entry ? { entry } : {});
  }

  #sync(roomId: string, after: number, epoch: string, me: string): SyncedRoom {
    const room = this.rooms.get(roomId);
    if (!room?.members.has(me)) return { room_id: roomId, gone: true };
    const reset = epoch !== room.epoch;
    const missed = room.log.filter((entry) => entry.seq > (reset ? 0 : after));
    const entries = this.#page(room, missed.slice(0, this.syncPage));
    return {
      room_id: roomId,
      epoch: room.epoch,
      last_seq: room.log.length,
      read_seq: this.readSeqOf(room, me),
      unread: this.unreadOf(room, me),
      muted: room.mutedBy.has(me),
      entries,
      ...(reset ? { reset } : {}),
      ...(entries.length === missed.length ? { complete: true } : {}),
    };
  }

  #room(room: FakeRoom, me: string): Room {
    return {
      room_id: room.id,
      name: room.name,
      host_id: room.hostId,
      member_count: room.members.size,
      last_seq: room.log.length,
      epoch: room.epoch,
      read_seq: this.readSeqOf(room, me),
      unread: this.unreadOf(room, me),
      active_at: room.log.at(-1)?.at ?? 0,
      name_seq: room.nameSeq,
      muted: room.mutedBy.has(me),
      ...this.previewOf(room),
    };
  }

  /** The last chat, as room lists show it. */
  previewOf(room: FakeRoom): { preview?: Preview } {
    const last = room.log.findLast((entry) => !entry.kind);
    if (!last) return {};
    const { user_id, at, text = '', deleted } = last;
    return { preview: { user_id, at, text, ...(deleted ? { deleted } : {}) } };
  }

  #usersOf(entries: Entry[]): Record<string, User> {
    const found: Record<string, User> = {};
    for (const entry of entries) {
      const user = this.users.get(entry.user_id);
      if (user) found[entry.user_id] = user;
    }
    return found;
  }
}
