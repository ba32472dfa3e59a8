import type {
  AnyEvent,
  ChangeReply,
  CommandType,
  Entry,
  HelloReply,
  HistoryReply,
  Me,
  MembersReply,
  OpenReply,
  PresentReply,
  ReadMarked,
  Replies,
  Room,
  RoomPosition,
  SyncedRoom,
  User,
} from '../protocol';
import { Blocks } from './blocks';
import { Changes } from './changes';
import { Connection, type Body, type ConnectionState } from './connection';
import { Drafts, type Begun, type Mark } from './drafts';
import { failureCode, isTemporary, type FailureCode } from './failure';
import { History, type Place } from './history';
import { LAST_USER, wipe } from './kept';
import { Lister } from './lister';
import { Mutes } from './mutes';
import { Outbox } from './outbox';
import type { Answered, Outgoing } from './outgoing';
import type { World } from './ports';
import { Pulse } from './pulse';
import { Quotes } from './quotes';
import { ReadMarks } from './reads';
import { RoomState } from './room';
import { Roster } from './roster';
import { Syncer } from './sync';
import { Typing } from './typing';
import { isChat } from './unread';

/** What has changed; whoever shows it reads it anew. */
export type Topic = 'connection' | 'me' | 'users' | 'rooms' | `room:${string}` | `typing:${string}`;

/** What the page of the open room shows. */
export type View =
  | { state: 'loading' }
  | { state: 'ready' }
  | { state: 'failed'; code: FailureCode }
  | Removed;

/** A room that was this person's, and what they wrote that did not get there. */
export interface Removed {
  state: 'removed';
  why: 'left' | 'closed' | 'gone' | 'kicked' | 'banned';
  unsent: readonly string[];
}

/** A room that could not be entered for reasons that pass is tried again by itself. */
const REENTER_MS = 8_000;
const WAIT_ONLINE_MS = 8_000;
/** A log that grows beyond this while nobody looks further up is cut to its newest part. */
const LOG_MAX = 600;
const LOG_KEEP = 300;
const EARLY_MAX = 200;

/** Everything a signed-in person sees and does: one per page. */
export class Session {
  me: Me | null = null;
  /** By their ids; who goes by another name in a room: by its and their id, with a slash between. */
  readonly users = new Map<string, User>();
  readonly rooms = new Map<string, RoomState>();
  /** False until the first hello was answered: nothing is known yet. */
  ready = false;
  view: View = { state: 'loading' };
  readonly connection: Connection;
  /** Edits, deletions and reactions on their way. */
  readonly changes: Changes;
  /** Whom one wants to see nothing of. */
  readonly blocks: Blocks;

  #outbox: Outbox | null = null;
  #drafts: Drafts | null = null;
  readonly #syncer: Syncer;
  readonly #pulse: Pulse;
  readonly #lister: Lister;
  readonly #roster: Roster;
  readonly #reads: ReadMarks;
  readonly #typing: Typing;
  readonly #history: History;
  readonly #quotes: Quotes;
  readonly #mutes: Mutes;
  #openId: string | null = null;
  #lookingAt: string | null = null;
  /** Rooms that ended for this person while the page was open: not entered again unasked. */
  #removed = new Map<string, Removed>();
  /** What rooms are called, also those that are gone. */
  #names = new Map<string, string>();
  /** Entries of rooms whose snapshot is still on its way. */
  #early = new Map<string, Entry[]>();
  #entering = new Set<string>();
  /** Rooms that are being completed after the connection was lost. */
  #catchingUp = new Set<string>();
  /** Server's clock minus ours. */
  #clockOffset = 0;
  #waiters: ((state: ConnectionState) => void)[] = [];

  constructor(
    private readonly world: World,
    private readonly changed: (topic: Topic) => void,
  ) {
    this.connection = new Connection(world, {
      changed: (state) => this.#stateChanged(state),
      hello: (reply) => this.#hello(reply),
      event: (event) => this.hear(event),
    });
    this.#syncer = new Syncer(world, {
      request: (rooms, timeoutMs) => this.connection.request('room.sync', { rooms }, timeoutMs),
      position: (roomId) => this.#position(roomId),
      hasGap: (roomId) => this.rooms.get(roomId)?.log.hasGap ?? false,
      apply: (synced, after, reply) => {
        this.learn(reply.users);
        this.#synced(synced, after);
      },
    });
    const online = () => this.connection.state === 'online';
    this.#pulse = new Pulse(world, {
      online,
      beat: (all, timeoutMs) => {
        const rooms = [...this.rooms.values()].filter((room) => all || room.loaded);
        this.#syncer.now(
          rooms.map((room) => room.id),
          timeoutMs,
        );
      },
    });
    this.#lister = new Lister(world.clock, {
      online,
      request: (roomIds) => this.connection.request('room.list', { room_ids: roomIds }),
      took: (reply) => {
        this.learn(reply.users);
        for (const room of reply.rooms) this.#upsert(room);
        this.#outbox?.wake();
        this.changed('rooms');
      },
      uncounted: () =>
        [...this.rooms.values()].filter((room) => !room.isUnreadKnown).map((room) => room.id),
    });
    this.#roster = new Roster(world.clock, {
      online,
      members: (roomId) => this.rooms.get(roomId)?.members,
      request: (roomId) => this.connection.request('room.members', { room_id: roomId }),
      took: (roomId, reply) => this.#tookMembers(roomId, reply),
      changed: (roomId) => {
        this.changed(`room:${roomId}`);
        this.changed('rooms');
      },
    });
    this.#reads = new ReadMarks(world, {
      online,
      send: async (roomId, seq) => {
        await this.connection.request('room.read', { room_id: roomId, seq });
        // What was read before the page was left is not counted here.
        if (this.rooms.get(roomId)?.isUnreadKnown === false) this.#lister.recountSoon();
      },
      key: (roomId) => `ping-pong.read.${this.me?.user_id}.${this.rooms.get(roomId)?.epoch}`,
    });
    this.changes = new Changes(world.clock, {
      online,
      send: (roomId, seq, change) => {
        if (change.type === 'edit') return this.edit(roomId, seq, change.text);
        if (change.type === 'delete') return this.delete(roomId, seq);
        return this.react(roomId, seq, change.emoji, change.on);
      },
      changed: (roomId) => this.changed(`room:${roomId}`),
    });
    this.#mutes = new Mutes({
      send: (roomId, on) => this.ask('room.mute', { room_id: roomId, on }),
      changed: (roomId) => {
        this.changed(`room:${roomId}`);
        this.changed('rooms');
      },
      doubt: (roomId) => this.#lister.doubt(roomId),
    });
    this.blocks = new Blocks(() => {
      this.changed('users');
      this.changed('rooms');
    });
    this.#typing = new Typing(world.clock, (roomId) => this.changed(`typing:${roomId}`));
    const room = (roomId: string) => this.rooms.get(roomId);
    const touched = (roomId: string) => this.changed(`room:${roomId}`);
    this.#history = new History({
      room,
      request: (roomId, place) => this.#page(roomId, place),
      took: ({ id }, entries) => this.#outbox?.seen(id, entries),
      changed: touched,
    });
    this.#quotes = new Quotes(world.clock, {
      online,
      room,
      request: (roomId, seq) => this.#page(roomId, { before: seq + 1, limit: 1 }),
      changed: touched,
    });
  }

  start(): void {
    this.connection.start();
  }

  /** The server's time. */
  now(): number {
    return this.world.clock.now() + this.#clockOffset;
  }

  /** Most recently active first. */
  get roomList(): RoomState[] {
    return [...this.rooms.values()].sort(
      (a, b) => b.activeAt - a.activeAt || (a.id < b.id ? -1 : 1),
    );
  }

  /** What a room is called, as far as it was ever known. */
  roomName(roomId: string): string {
    return this.rooms.get(roomId)?.name ?? this.#names.get(roomId) ?? '';
  }

  /** Whether some rooms have not been listed yet. */
  get listing(): boolean {
    return !this.ready || this.#lister.isListing;
  }

  outgoing(roomId: string): readonly Outgoing[] {
    return this.#outbox?.of(roomId) ?? [];
  }

  /** Why what one says in a room is not sent yet, if the server wants it later. */
  held(roomId: string) {
    return this.#outbox?.held(roomId);
  }

  /** How many chats, edits and deletions would be lost if everything were forgotten now. */
  get unsent(): number {
    return (this.#outbox?.unsent ?? 0) + this.changes.unsent;
  }

  /** How many of them would be lost with the page: edits, and what this device can't store. */
  get unkept(): number {
    return (this.#outbox?.unkept ?? 0) + this.changes.unsent;
  }

  // --- What a person does

  /** Find or make a room by its name. */
  async openRoom(name: string, about?: Omit<Body<'room.open'>, 'name'>): Promise<OpenReply> {
    const reply = await this.ask('room.open', { name, ...about });
    this.#names.set(reply.room.room_id, reply.room.name);
    this.#removed.delete(reply.room.room_id);
    return reply;
  }

  /** Show a room, entering it if need be; null: no room is shown. */
  show(roomId: string | null): void {
    if (roomId === this.#openId) return;
    if (this.#openId) {
      this.#reads.flush(this.#openId);
      // Whoever comes back sees the end of the log.
      this.toNewest(this.#openId);
    }
    this.#openId = roomId;
    this.#lookingAt = null;
    if (!roomId) return;
    const removed = this.#removed.get(roomId);
    if (removed) {
      this.#setView(removed);
      return;
    }
    const isLoaded = this.rooms.get(roomId)?.loaded ?? false;
    this.#setView(isLoaded ? { state: 'ready' } : { state: 'loading' });
    if (!isLoaded) void this.#enter(roomId);
  }

  /** Enter the shown room (again), after an error or after it was left. */
  reenter(): void {
    if (!this.#openId) return;
    this.#removed.delete(this.#openId);
    this.#setView({ state: 'loading' });
    this.connection.hurry();
    void this.#enter(this.#openId);
  }

  /** The newest entries of this room are on the screen, if the page is; null: of none. */
  look(roomId: string | null): void {
    this.#lookingAt = roomId;
    if (roomId) this.#seen(roomId);
  }

  /** Say something; what one has said is what one sees then. */
  send(roomId: string, text: string, replyTo = 0): void {
    this.toNewest(roomId);
    this.#outbox?.add(roomId, text, this.#answered(roomId, replyTo));
  }

  retry(cid: string): void {
    this.#outbox?.retry(cid);
  }

  discard(cid: string): void {
    this.#outbox?.discard(cid);
  }

  /** What was begun in a room and not sent. */
  draft(roomId: string): Begun {
    const { reply, ...begun } = this.#drafts?.of(roomId) ?? { text: '' };
    const isThere = reply?.epoch === this.rooms.get(roomId)?.epoch;
    return reply && isThere ? { ...begun, reply } : begun;
  }

  keepDraft(roomId: string, text: string, replyTo = 0, marks: readonly Mark[] = []): void {
    this.#drafts?.set(roomId, { text, reply: this.#answered(roomId, replyTo), marks });
  }

  /** Change the text of one's own chat. */
  edit(roomId: string, seq: number, text: string): Promise<ChangeReply> {
    return this.#change('chat.edit', { room_id: roomId, seq, text });
  }

  /** Delete one's own chat for everybody. */
  delete(roomId: string, seq: number): Promise<ChangeReply> {
    return this.#change('chat.delete', { room_id: roomId, seq });
  }

  /** Put one's reaction under a chat, or take it away. */
  react(roomId: string, seq: number, emoji: string, on = true): Promise<ChangeReply> {
    return this.#change('chat.react', { room_id: roomId, seq, emoji, ...(on ? {} : { on }) });
  }

  /** Who of a room's members is connected right now. */
  present(roomId: string): Promise<PresentReply> {
    return this.ask('room.present', { room_id: roomId });
  }

  /** Others who are writing something in a room, whoever began first at first. */
  typing(roomId: string): readonly string[] {
    return this.#typing.of(roomId).filter((userId) => !this.blocks.has(userId));
  }

  /** One is writing something; to be called as often as one likes. */
  signalTyping(roomId: string): void {
    if (this.connection.state !== 'online' || !this.rooms.has(roomId)) return;
    if (!this.#typing.maySignal(roomId)) return;
    // It is a hint: whether it got there does not matter.
    this.connection.request('typing.signal', { room_id: roomId }).catch(() => {});
  }

  /** Load the page of history before what is shown. */
  loadBefore(roomId: string): Promise<void> {
    return this.#history.before(roomId);
  }

  /** Load the page after what is shown, if that is not the end of the log. */
  loadAfter(roomId: string): Promise<void> {
    return this.#history.after(roomId);
  }

  /** Show the part of a room's log that has `seq`; false if it can't be, or isn't wanted any more. */
  jump(roomId: string, seq: number): Promise<boolean> {
    return this.#history.jump(roomId, seq);
  }

  /** Show the end of a room's log again. */
  toNewest(roomId: string): void {
    this.#history.toNewest(roomId);
  }

  /** The chat at `seq` as it is now; null: there is none; undefined: not known yet, but soon. */
  quoted(roomId: string, seq: number): Entry | null | undefined {
    return this.#quotes.of(roomId, seq);
  }

  /** Have the members of a displayed room, now or soon; `isUrgent` does not wait after an error. */
  wantMembers(roomId: string, isUrgent = false): void {
    this.#roster.want(roomId, isUrgent);
  }

  async moreMembers(roomId: string): Promise<void> {
    const room = this.rooms.get(roomId);
    const after = room?.members.after;
    if (!room || after === undefined) return;
    const reply = await this.ask('room.members', { room_id: roomId, after });
    if (room.members.after !== after) return;
    room.members.take(reply, false);
    this.#tookMembers(roomId, reply);
    this.changed(`room:${roomId}`);
  }

  /** Leave a room; a host says who follows, or closes it. */
  async leave(roomId: string, how: { successor_id?: string; close?: boolean } = {}): Promise<void> {
    try {
      await this.ask('room.leave', { room_id: roomId, ...how });
    } catch (error) {
      const code = failureCode(error);
      if (code !== 'not_member' && code !== 'room_not_found') throw error;
    }
    if (this.#openId === roomId) this.#openId = null;
    this.#remove(roomId, how.close ? 'closed' : 'left');
  }

  /** Call a room something else; only its host may. */
  async renameRoom(roomId: string, name: string): Promise<void> {
    await this.ask('room.rename', { room_id: roomId, name });
  }

  /** Make a room quiet for oneself, on all of one's devices, or let it be heard again. */
  async mute(roomId: string, on: boolean): Promise<void> {
    const room = this.rooms.get(roomId);
    if (room) await this.#mutes.set(room, on);
  }

  /** Change one's own nickname. */
  async rename(nickname: string): Promise<void> {
    const reply = await this.ask('profile.update', { nickname });
    this.#setMe(reply.me);
  }

  /**
   * Forget everything of this person on this device, also when there was no connection yet.
   * Returns their id; '' when nobody knows it.
   */
  forget(): string {
    const userId = this.me?.user_id ?? this.world.store.get(LAST_USER) ?? '';
    this.#outbox?.clear();
    this.#drafts = null;
    this.#reads.clear();
    wipe(this.world.store, userId);
    this.#stop();
    return userId;
  }

  /** The page goes away; what is stored stays. */
  abandon(): void {
    this.#outbox?.stop();
    this.#stop();
  }

  networkChanged(): void {
    this.connection.networkChanged();
    // From one network to another, a connection dies without a word.
    this.#pulse.probe(0);
  }

  /** The page may be gone in a moment: say now what was seen, not after the pause. */
  leaving(): void {
    this.#reads.leave();
  }

  visibilityChanged(): void {
    if (this.world.visible()) {
      this.connection.hurry();
      this.#pulse.probe();
      // The tab that was in front of this one may have been closed.
      if (this.connection.state === 'online') void this.#outbox?.adopt();
    } else {
      this.leaving();
    }
    this.#pulse.schedule();
  }

  // --- The connection

  #stop(): void {
    this.changes.stop();
    this.connection.stop();
    this.#typing.clear();
    this.#lister.stop();
  }

  #stateChanged(state: ConnectionState): void {
    if (state === 'online') {
      this.#online();
    } else {
      this.#pulse.stop();
      this.#syncer.stop();
      this.#entering.clear();
      this.#catchingUp.clear();
    }
    const waiters = this.#waiters;
    for (const waiter of waiters) waiter(state);
    this.changed('connection');
  }

  #hello(reply: HelloReply): void {
    if (this.me && this.me.user_id !== reply.me.user_id) this.#reset();
    this.#clockOffset = reply.now - this.world.clock.now();
    this.ready = true;
    this.#early.clear();
    this.#setMe(reply.me);
    this.world.store.set(LAST_USER, reply.me.user_id);
    this.learn(reply.users);
    this.blocks.take(reply.blocked);
    const more = (this.#lister.roomIds = reply.more_room_ids ?? []);
    const mine = new Set([...reply.rooms.map((room) => room.room_id), ...more]);
    for (const roomId of this.rooms.keys()) if (!mine.has(roomId)) this.#remove(roomId, 'gone');
    for (const room of reply.rooms) this.#upsert(room);
    this.#drafts ??= new Drafts(this.world.store, this.world.clock, reply.me.user_id);
    this.#drafts.keepOnly(mine);
    if (!this.#outbox) {
      this.#outbox = new Outbox(this.world, reply.me.user_id, {
        online: () => this.connection.state === 'online',
        caughtUp: (roomId) => !this.#catchingUp.has(roomId) && !this.#entering.has(roomId),
        position: (roomId) => {
          const room = this.rooms.get(roomId);
          return room && { seq: room.log.last, epoch: room.epoch };
        },
        send: ({ roomId, text, cid, replyTo }, retrySince, timeoutMs) => {
          const repeat = retrySince === undefined ? {} : { retry_since: retrySince };
          const reply = replyTo ? { reply_to: replyTo } : {};
          const body = { room_id: roomId, text, cid, ...repeat, ...reply };
          return this.connection.request('chat.send', body, timeoutMs);
        },
        delivered: (roomId, entry) => this.#pushed(roomId, [entry]),
        changed: (roomId) => this.changed(`room:${roomId}`),
      });
    }
    this.changed('rooms');
  }

  #online(): void {
    this.#quotes.resume();
    const loaded: string[] = [];
    for (const { id, paging, members, loaded: isLoaded } of this.rooms.values()) {
      paging.before = paging.after = '';
      if (!isLoaded) continue;
      loaded.push(id);
      // Nobody says again how far the others have read meanwhile; the members' list does.
      members.doubt();
    }
    this.#catchingUp = new Set(loaded);
    if (loaded.length) this.#syncer.now(loaded);
    void this.#lister.run();
    const openId = this.#openId;
    if (openId && !this.rooms.get(openId)?.loaded) {
      const { view } = this;
      if (view.state === 'loading' || (view.state === 'failed' && isTemporary(view.code))) {
        this.reenter();
      } else if (view.state === 'ready') {
        this.#setView({ state: 'removed', why: 'gone', unsent: [] });
      }
    }
    this.#outbox?.greeted();
    this.changes.wake();
    void this.#outbox?.adopt();
    this.#reads.resume();
    void this.#roster.fetch();
    this.#pulse.start();
  }

  #reset(): void {
    this.#outbox?.stop();
    this.#outbox = null;
    this.#drafts = null;
    this.changes.clear();
    this.blocks.wishes.clear();
    this.rooms.clear();
    this.users.clear();
    this.#reads.clear();
    this.#typing.clear();
    this.#quotes.clear();
    this.#removed.clear();
    this.#names.clear();
  }

  /** Ask as soon as there is a connection, if there is one soon. */
  async ask<C extends CommandType>(type: C, body: Body<C>): Promise<Replies[C]> {
    this.connection.hurry();
    const { state } = this.connection;
    if (state === 'connecting' || state === 'hello') {
      await new Promise<void>((resolve) => {
        const done = () => {
          cancel();
          this.#waiters = this.#waiters.filter((each) => each !== waiter);
          resolve();
        };
        const waiter = (next: ConnectionState) => {
          if (next !== 'connecting' && next !== 'hello') done();
        };
        const cancel = this.world.clock.after(WAIT_ONLINE_MS, done);
        this.#waiters.push(waiter);
      });
    }
    return this.connection.request(type, body);
  }

  async #page(roomId: string, place: Place): Promise<HistoryReply> {
    const reply = await this.connection.request('chat.history', { room_id: roomId, ...place });
    this.learn(reply.users);
    return reply;
  }

  /** A chat that is answered, and in which log. */
  #answered(roomId: string, seq: number): Answered | undefined {
    const epoch = this.rooms.get(roomId)?.epoch;
    return seq && epoch ? { seq, epoch } : undefined;
  }

  // --- What the server tells

  /** Take what the server tells, or what an answer to others than this says in its place. */
  hear(event: AnyEvent): void {
    switch (event.type) {
      case 'entries.added':
        this.learn(event.users);
        this.#pushed(event.room_id, event.entries);
        break;
      case 'room.joined':
      case 'match.found':
        this.learn(event.users);
        this.#upsert(event.room);
        this.changed('rooms');
        break;
      case 'room.left':
        this.#remove(event.room_id, event.reason ?? 'left');
        break;
      case 'room.closed':
        this.#remove(event.room_id, 'closed');
        break;
      case 'read.marked':
        this.#readMarked(event);
        break;
      case 'typing.signalled':
        if (this.rooms.has(event.room_id) && event.user_id !== this.me?.user_id) {
          this.#typing.signalled(event.room_id, event.user_id);
        }
        break;
      case 'room.muted': {
        const room = this.rooms.get(event.room_id);
        if (room) this.#mutes.told(room, event.muted);
        break;
      }
      case 'user.blocked':
        this.blocks.note(event.user_id, event.blocked);
        this.blocks.heard?.(event.user_id);
        break;
      case 'profile.updated':
        this.#setMe(event.me);
        break;
      default:
      // An event of a newer server: not for us.
    }
  }

  #pushed(roomId: string, entries: Entry[]): void {
    const room = this.rooms.get(roomId);
    if (!room || this.#entering.has(roomId)) {
      const early = this.#early.get(roomId) ?? [];
      if (early.length < EARLY_MAX) this.#early.set(roomId, early.concat(entries));
    }
    if (!room) return;
    const wasKnown = room.isUnreadKnown;
    this.#quotes.learn(roomId, entries);
    this.#added(room, room.push(entries));
    if (wasKnown && !room.isUnreadKnown) this.#lister.recountSoon();
    if (room.log.hasGap) this.#syncer.gap(roomId);
  }

  #synced(synced: SyncedRoom, after: number): void {
    const room = this.rooms.get(synced.room_id);
    if (!room) return;
    if (synced.gone) {
      this.#remove(room.id, 'gone');
    } else if (synced.reset || (synced.epoch && synced.epoch !== room.epoch)) {
      // Another log under the same id: nothing of the old one is true any more.
      this.rooms.delete(room.id);
      this.changes.dropRoom(room.id);
      if (room.id === this.#openId) this.reenter();
      this.#lister.add([room.id]);
    } else {
      const { entries = [] } = synced;
      this.#quotes.learn(room.id, entries);
      this.#added(room, room.follow(after, entries));
      const { read_seq: readSeq = 0, unread = 0, last_seq: lastSeq = 0 } = synced;
      room.takeReadState({ readSeq, unread, lastSeq });
      // News, or an answer from before what was done here: which of them, a later one tells.
      const isMuted = synced.muted ?? false;
      if (isMuted !== room.isMuted) this.#mutes.told(room, isMuted);
    }
    if (!synced.complete && !synced.gone && !synced.reset) return;
    if (this.#catchingUp.delete(synced.room_id)) this.#outbox?.wake();
  }

  #readMarked({ room_id: roomId, user_id: userId, seq }: ReadMarked): void {
    const room = this.rooms.get(roomId);
    if (!room) return;
    if (userId === this.me?.user_id) {
      room.markRead(seq);
      this.#reads.passed(roomId, seq);
      if (!room.isUnreadKnown) this.#lister.recountSoon();
      this.changed('rooms');
    } else {
      room.markReader(userId, seq);
    }
    this.changed(`room:${roomId}`);
  }

  async #change<C extends 'chat.edit' | 'chat.delete' | 'chat.react'>(
    type: C,
    body: Body<C>,
  ): Promise<ChangeReply> {
    const reply: ChangeReply = await this.ask(type, body);
    const { room_id: roomId } = body as { room_id: string };
    if (reply.entry) this.#pushed(roomId, [reply.entry]);
    // It was done before, by a try whose answer was lost; its push went to all others.
    else await this.#syncer.complete(roomId);
    return reply;
  }

  /** Entries have found their place in a room's log. */
  #added(room: RoomState, added: Entry[]): void {
    if (added.length) {
      this.#outbox?.seen(room.id, added);
      for (const entry of added) {
        if (!isChat(entry)) continue;
        // The server marks as read what is before somebody's own words.
        if (entry.user_id === this.me?.user_id) this.#reads.passed(room.id, entry.seq);
        else this.#typing.stopped(room.id, entry.user_id);
      }
      if (this.#lookingAt === room.id) this.#seen(room.id);
      const isReadBack = room.id === this.#openId && this.#lookingAt !== room.id;
      if (room.log.entries.length > LOG_MAX && !isReadBack) room.log.trim(LOG_KEEP);
    }
    this.changed(`room:${room.id}`);
    this.changed('rooms');
  }

  /** What people are called, everywhere or in one room. */
  learn(users: Record<string, User>): void {
    let isNews = false;
    for (const [key, user] of Object.entries(users)) {
      const known = this.users.get(key);
      // Told late: by who looked before a later name was taken. (An account's name has no place.)
      if (known && (user.seq as number) < (known.seq as number)) continue;
      this.users.set(key, user);
      isNews ||= known?.nickname !== user.nickname;
      // A room for two is called as the other one, who may be called something else by now.
      for (const room of this.rooms.values()) {
        if (room.partnerId === key) room.name = user.nickname;
      }
    }
    if (isNews) this.changed('users');
  }

  /** What somebody is called in a room: the one that is shown, unless another is meant. */
  called(userId: string, roomId = this.#openId): string | undefined {
    return this.users.get(`${roomId}/${userId}`)?.nickname || this.users.get(userId)?.nickname;
  }

  #tookMembers(roomId: string, reply: MembersReply): void {
    this.learn(reply.users);
    const room = this.rooms.get(roomId);
    for (const { user_id: userId, read_seq: seq } of reply.members) {
      if (seq !== undefined && userId !== this.me?.user_id) room?.markReader(userId, seq);
    }
  }

  #setMe(me: Me): void {
    this.me = me;
    this.learn({ [me.user_id]: { nickname: me.nickname } });
    this.changed('me');
  }

  #upsert(given: Room): RoomState {
    // A room for two is called as the other one.
    const partner = given.partner_id;
    const snapshot = partner ? { ...given, name: this.users.get(partner)?.nickname ?? '' } : given;
    this.#removed.delete(snapshot.room_id);
    this.#names.set(snapshot.room_id, snapshot.name);
    const known = this.rooms.get(snapshot.room_id);
    if (known?.epoch === snapshot.epoch) {
      known.refresh(snapshot);
      known.markRead(this.#reads.told(snapshot));
      // A log that only follows along may have come further without its entries.
      this.#outbox?.seen(known.id, []);
      return known;
    }
    const room = new RoomState(snapshot, this.me?.user_id ?? '', this.blocks);
    this.rooms.set(room.id, room);
    this.#reads.drop(room.id);
    room.markRead(this.#reads.told(snapshot));
    this.#typing.drop(room.id);
    // What was to be done to a chat of one log is not done to what stands there in another.
    if (known) this.changes.dropRoom(room.id);
    this.#quotes.drop(room.id);
    if (known?.loaded && room.id === this.#openId) {
      this.#setView({ state: 'loading' });
      void this.#enter(room.id);
    }
    this.#takeEarly(room);
    return room;
  }

  #takeEarly(room: RoomState): void {
    const early = this.#early.get(room.id);
    if (!early) return;
    this.#early.delete(room.id);
    this.#pushed(room.id, early);
  }

  #remove(roomId: string, why: Removed['why']): void {
    this.#names.set(roomId, this.roomName(roomId));
    const wasMine = this.rooms.delete(roomId);
    this.#reads.drop(roomId);
    this.#typing.drop(roomId);
    this.changes.dropRoom(roomId);
    this.#quotes.drop(roomId);
    const draft = this.draft(roomId).text;
    this.#drafts?.drop(roomId);
    this.#early.delete(roomId);
    this.#lister.forget(roomId);
    const dropped = this.#outbox?.dropRoom(roomId) ?? [];
    if (draft.trim()) dropped.push(draft);
    // The answer and the event both tell of it, in any order.
    const known = this.#removed.get(roomId);
    const removed: Removed = {
      state: 'removed',
      // What is known for sure stands: a mere "gone" may follow it.
      why: known?.why === 'closed' || (known && why === 'gone') ? known.why : why,
      unsent: (known?.unsent ?? []).concat(dropped),
    };
    this.#removed.set(roomId, removed);
    if (this.#openId === roomId && (wasMine || this.view.state === 'ready')) {
      this.#lookingAt = null;
      this.#setView(removed);
    }
    this.changed('rooms');
  }

  // --- Requests that come about by themselves

  async #enter(roomId: string): Promise<void> {
    if (this.connection.state !== 'online' || this.#entering.has(roomId)) return;
    this.#entering.add(roomId);
    try {
      const reply = await this.connection.request('room.enter', { room_id: roomId });
      this.learn(reply.users);
      const room = this.#upsert(reply.room);
      room.enter(reply);
      this.#quotes.drop(roomId);
      this.#entering.delete(roomId);
      this.#takeEarly(room);
      this.#outbox?.seen(roomId, reply.entries);
      this.#outbox?.wake();
      if (roomId === this.#openId) this.#setView({ state: 'ready' });
      this.changed('rooms');
    } catch (error) {
      const code = failureCode(error);
      this.#entering.delete(roomId);
      // Without a connection it is asked again with the next one.
      if (code === 'lost' || roomId !== this.#openId) return;
      this.#setView({ state: 'failed', code });
      if (!isTemporary(code)) return;
      this.world.clock.after(REENTER_MS, () => {
        if (roomId === this.#openId && this.view.state === 'failed') void this.#enter(roomId);
      });
    }
  }

  #seen(roomId: string): void {
    const room = this.rooms.get(roomId);
    // Notices and changes need not be read: the server is told of chats only.
    if (!this.world.visible() || !room?.loaded || room.past) return;
    if (room.log.last <= room.readSeq || !room.unreadByServer) return;
    room.markRead(room.log.last);
    this.changed('rooms');
    // The numbers beside its chats count oneself, too.
    this.changed(`room:${roomId}`);
    this.#reads.saw(roomId, room.readSeq);
  }

  #position(roomId: string): RoomPosition | undefined {
    const room = this.rooms.get(roomId);
    return room && { room_id: roomId, after: room.log.last, epoch: room.epoch };
  }

  #setView(view: View): void {
    this.view = view;
    if (this.#openId) this.changed(`room:${this.#openId}`);
  }
}
