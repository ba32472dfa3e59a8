import type {
  AnyCommand,
  AnyEvent,
  Entry,
  EntryKind,
  Room,
  SyncedRoom,
  User,
} from '../../src/protocol';
import type { Dial, SocketEvents } from '../../src/core/ports';
import type { FakeClock } from './fakes';

interface FakeRoom {
  id: string;
  name: string;
  hostId: string;
  epoch: string;
  members: Set<string>;
  log: Entry[];
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
  cut: 0,
  delayMs: 5,
};

/** A Ping-Pong server in memory that keeps the promises and nothing more. */
export class FakeServer {
  faults: Faults = { ...NO_FAULTS };
  readonly users = new Map<string, User>();
  readonly rooms = new Map<string, FakeRoom>();
  readonly signedOut = new Set<string>();
  /** Every command that arrived, for assertions. */
  readonly received: { userId: string; at: number; command: AnyCommand }[] = [];
  pageSize = 50;
  syncPage = 20;
  #wires = new Set<Wire>();
  #reads = new Map<string, number>();
  #rooms = 0;

  constructor(
    private readonly clock: FakeClock,
    private readonly random: () => number,
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
      log: [],
    };
    this.rooms.set(room.id, room);
    this.append(room, 'created', hostId);
    for (const other of others) {
      room.members.add(other);
      this.append(room, 'joined', other);
    }
    return room;
  }

  append(room: FakeRoom, kind: EntryKind, userId: string, text = '', cid = ''): Entry {
    const entry: Entry = { seq: room.log.length + 1, user_id: userId, at: this.clock.now() };
    if (kind !== 'chat') entry.kind = kind;
    if (text) entry.text = text;
    if (cid) entry.cid = cid;
    room.log.push(entry);
    this.#push(room, {
      type: 'entries.added',
      room_id: room.id,
      entries: [entry],
      users: this.#usersOf([entry]),
    });
    return entry;
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
    this.clock.after(this.#delay(), () => {
      if (!wire.isOpen) return;
      const command = JSON.parse(text) as AnyCommand;
      this.received.push({ userId: wire.userId, at: this.clock.now(), command });
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

  #fail(wire: Wire, command: AnyCommand, code: string): void {
    this.#deliver(wire, { type: 'error', ref: command.ref, code, message: code });
  }

  #push(room: FakeRoom, event: AnyEvent): void {
    for (const wire of this.#wires) {
      if (!wire.isRegistered || !room.members.has(wire.userId)) continue;
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
    if (command.type === 'profile.update' || command.type === 'room.list') {
      return this.#fail(wire, command, 'unknown_type');
    }
    const room = this.rooms.get(command.room_id);
    if (!room) return this.#fail(wire, command, 'room_not_found');
    const users = Object.fromEntries(this.users);
    if (command.type === 'room.enter') {
      const joined = !room.members.has(me);
      if (joined) {
        room.members.add(me);
        this.append(room, 'joined', me);
      }
      const entries = room.log.slice(-this.pageSize);
      const fields = { room: this.#room(room, me), entries, users };
      const has_before = (entries[0]?.seq ?? 1) > 1;
      return this.#reply(wire, command, { ...fields, joined, has_before });
    }
    if (!room.members.has(me)) return this.#fail(wire, command, 'not_member');
    switch (command.type) {
      case 'chat.send': {
        const since = command.retry_since;
        const known =
          since === undefined
            ? undefined
            : room.log.find((e) => e.seq > since && e.cid === command.cid && e.user_id === me);
        const entry = known ?? this.append(room, 'chat', me, command.text, command.cid);
        return this.#reply(wire, command, { entry });
      }
      case 'chat.history': {
        const before = command.before ?? room.log.length + 1;
        const older = room.log.filter((entry) => entry.seq < before);
        const entries = older.slice(-this.pageSize);
        return this.#reply(wire, command, {
          entries,
          users,
          has_before: entries.length < older.length,
        });
      }
      case 'room.members': {
        const members = [...room.members].map((user_id) => ({ user_id, joined_at: 0 }));
        return this.#reply(wire, command, { members, users });
      }
      case 'room.read':
        this.#reads.set(`${room.id} ${me}`, command.seq);
        return this.#reply(wire, command, {});
      case 'room.leave':
        if (command.close) this.close(room.id);
        room.members.delete(me);
        this.append(room, 'left', me);
        return this.#reply(wire, command, {});
    }
  }

  #sync(roomId: string, after: number, epoch: string, me: string): SyncedRoom {
    const room = this.rooms.get(roomId);
    if (!room?.members.has(me)) return { room_id: roomId, gone: true };
    const reset = epoch !== room.epoch;
    const missed = room.log.filter((entry) => entry.seq > (reset ? 0 : after));
    const entries = missed.slice(0, this.syncPage);
    return {
      room_id: roomId,
      epoch: room.epoch,
      last_seq: room.log.length,
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
      read_seq: this.#reads.get(`${room.id} ${me}`) ?? 0,
      active_at: room.log.at(-1)?.at ?? 0,
    };
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
