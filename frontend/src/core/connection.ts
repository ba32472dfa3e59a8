import type {
  AnyEvent,
  Commands,
  CommandType,
  ErrorReply,
  HelloReply,
  Replies,
} from '../protocol';
import { backoff } from './backoff';
import { Failure } from './failure';
import type { Cancel, Socket, World } from './ports';

/**
 * - `idle`: not started
 * - `connecting`: dialled, the handshake is not over
 * - `hello`: open, the first frame is not answered yet
 * - `online`: commands can be sent
 * - `waiting`: the last try failed; the next is due after a pause
 * - `offline`: the device has no network
 * - `signed_out`: the session is over; only a new sign-in helps
 */
export type ConnectionState =
  'idle' | 'connecting' | 'hello' | 'online' | 'waiting' | 'offline' | 'signed_out';

export interface ConnectionEvents {
  /** After every change of `state`. */
  changed(state: ConnectionState): void;
  /** The hello's answer: before `online` is announced, and before any event. */
  hello(reply: HelloReply): void;
  event(event: AnyEvent): void;
}

/** A command without what the connection adds. */
export type Body<C extends CommandType> = Omit<Commands[C], 'type' | 'ref'>;

/** The server ends a handler after 10 s, so an answer that takes longer will not come. */
export const REPLY_MS = 12_000;
const OPEN_MS = 15_000;
/** With no network there is nothing to try, but browsers are sometimes wrong about it. */
const OFFLINE_RETRY_MS = 30_000;
/** API Gateway ends a connection after two hours; going first avoids a loss. */
const REDIAL_MS = 105 * 60_000;
const REDIAL_SPREAD_MS = 10 * 60_000;

interface Pending {
  cancel: Cancel;
  resolve(reply: Replies[CommandType]): void;
  reject(failure: Failure): void;
}

function isPowerOfTwo(number: number): boolean {
  return (number & (number - 1)) === 0;
}

/** One lasting connection out of many short ones. */
export class Connection {
  state: ConnectionState = 'idle';

  #socket: Socket | null = null;
  /** Counts dials; callbacks of an older socket are ignored. */
  #dials = 0;
  #failures = 0;
  #lastRef = 0;
  /** Frames that came, to know whether any came since. */
  #heard = 0;
  #pending = new Map<string, Pending>();
  /** Events that overtook the hello's answer; they are newer than it. */
  #early: AnyEvent[] = [];
  #timer: Cancel = () => {};
  #redial: Cancel = () => {};

  constructor(
    private readonly world: World,
    private readonly events: ConnectionEvents,
  ) {}

  start(): void {
    if (this.state === 'idle' || this.state === 'signed_out') this.#dial();
  }

  stop(): void {
    this.#hangUp();
    this.#become('idle');
  }

  /** The device says that its network came or went. */
  networkChanged(): void {
    if (this.state === 'idle' || this.state === 'signed_out') return;
    if (!this.world.online()) {
      this.#hangUp();
      this.#rest('offline', OFFLINE_RETRY_MS);
    } else if (this.state === 'waiting' || this.state === 'offline') {
      this.#failures = 0;
      this.#dial();
    }
  }

  /** Somebody looks at the page again: no reason to wait any longer. */
  hurry(): void {
    if (this.state === 'waiting') {
      this.#failures = 0;
      this.#dial();
    }
  }

  /**
   * Send a command and wait for its answer.
   *
   * Throws a Failure: the server's error, `lost` (no connection, or it broke), or `timeout`.
   */
  async request<C extends CommandType>(
    type: C,
    body: Body<C>,
    timeoutMs = REPLY_MS,
  ): Promise<Replies[C]> {
    if (this.state !== 'online') throw new Failure('lost');
    return this.#send(type, body, timeoutMs);
  }

  #send<C extends CommandType>(type: C, body: Body<C>, timeoutMs: number): Promise<Replies[C]> {
    const ref = String(++this.#lastRef);
    const heard = this.#heard;
    return new Promise<Replies[C]>((resolve, reject) => {
      const cancel = this.world.clock.after(timeoutMs, () => {
        this.#pending.delete(ref);
        reject(new Failure('timeout'));
        // Nothing at all came since: the connection is dead and nobody has told us.
        if (this.#heard === heard) this.#failed();
      });
      this.#pending.set(ref, {
        cancel,
        resolve: resolve as Pending['resolve'],
        reject,
      });
      try {
        this.#socket?.send(JSON.stringify({ type, ref, ...body }));
      } catch {
        this.#failed();
      }
    });
  }

  #become(state: ConnectionState): void {
    if (this.state === state) return;
    this.state = state;
    this.events.changed(state);
  }

  #dial(): void {
    this.#hangUp();
    if (!this.world.online()) {
      // Try all the same when the pause is over: the device may be wrong.
      if (this.state !== 'offline') return this.#rest('offline', OFFLINE_RETRY_MS);
    } else {
      this.#become('connecting');
    }
    const dial = ++this.#dials;
    const mine = () => dial === this.#dials;
    this.#timer = this.world.clock.after(OPEN_MS, () => this.#failed());
    this.#socket = this.world.dial({
      opened: () => {
        if (mine()) void this.#hello(mine);
      },
      frame: (text) => {
        if (mine()) this.#frame(text);
      },
      closed: () => {
        if (mine()) this.#failed();
      },
    });
  }

  async #hello(mine: () => boolean): Promise<void> {
    this.#timer();
    this.#become('hello');
    let reply: HelloReply;
    try {
      reply = await this.#send('session.hello', {}, REPLY_MS);
    } catch (error) {
      if (!mine()) return;
      if (error instanceof Failure && error.code === 'signed_out') this.#signedOut();
      else this.#failed();
      return;
    }
    if (!mine()) return;
    this.#failures = 0;
    this.#redial = this.world.clock.after(
      REDIAL_MS + this.world.random() * REDIAL_SPREAD_MS,
      () => this.#dial(),
    );
    const early = this.#early;
    this.#early = [];
    this.events.hello(reply);
    this.#become('online');
    for (const event of early) if (mine()) this.events.event(event);
  }

  #frame(text: string): void {
    this.#heard++;
    let frame: { type?: unknown; ref?: unknown };
    try {
      const parsed: unknown = JSON.parse(text);
      if (typeof parsed !== 'object' || parsed === null) return;
      frame = parsed;
    } catch {
      return;
    }
    if (frame.type === 'ok' || frame.type === 'error') {
      this.#answer(frame as ErrorReply | Replies[CommandType]);
    } else if (typeof frame.type !== 'string') {
      // API Gateway's own "Internal server error" does not say which command it means.
      const only = this.#pending.size === 1 ? [...this.#pending.keys()][0] : undefined;
      if (only) this.#settle(only)?.reject(new Failure('internal'));
    } else if (this.state === 'hello') {
      this.#early.push(frame as AnyEvent);
    } else {
      this.events.event(frame as AnyEvent);
    }
  }

  #answer(frame: ErrorReply | Replies[CommandType]): void {
    const pending = this.#settle(frame.ref ?? '');
    if (frame.type === 'ok') {
      pending?.resolve(frame);
      return;
    }
    pending?.reject(
      new Failure(frame.code, frame.message, frame.field ?? '', frame.retry_after_ms ?? 0),
    );
    if (this.state !== 'online') return;
    if (frame.code === 'signed_out') this.#signedOut();
    else if (frame.code === 'hello_first') this.#failed();
  }

  #settle(ref: string): Pending | undefined {
    const pending = this.#pending.get(ref);
    this.#pending.delete(ref);
    pending?.cancel();
    return pending;
  }

  #signedOut(): void {
    this.#hangUp();
    this.#become('signed_out');
  }

  /** This connection is of no use any more: find out why, and try again later. */
  #failed(): void {
    const wasOnline = this.state === 'online';
    this.#hangUp();
    if (!this.world.online()) return this.#rest('offline', OFFLINE_RETRY_MS);
    this.#rest('waiting', backoff(this.#failures++, this.world.random));
    if (!wasOnline && isPowerOfTwo(this.#failures)) void this.#checkSession();
  }

  /**
   * A browser does not tell why a handshake failed, so ask whether we are signed in. Less and
   * less often: where everybody fails at once, who signs in must not be crowded out.
   */
  async #checkSession(): Promise<void> {
    const signedIn = await this.world.signedIn();
    if (signedIn === false && this.state !== 'online' && this.state !== 'idle') this.#signedOut();
  }

  #rest(state: 'waiting' | 'offline', ms: number): void {
    this.#become(state);
    this.#timer();
    this.#timer = this.world.clock.after(ms, () => this.#dial());
  }

  /** Let go of the socket and fail what waits for an answer. */
  #hangUp(): void {
    this.#timer();
    this.#redial();
    this.#dials++;
    this.#early = [];
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const each of pending) {
      each.cancel();
      each.reject(new Failure('lost'));
    }
  }
}
