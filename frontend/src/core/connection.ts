import type { AnyEvent, CommandType, ErrorCode, HelloReply, Replies } from '../protocol';
import { backoff } from './backoff';
import { Failure, type FailureCode } from './failure';
import { Line, type Body } from './line';
import type { Cancel, World } from './ports';

export type { Body } from './line';

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
  /** After every change of `state`; `online` again when a new connection has taken over. */
  changed(state: ConnectionState): void;
  /** The hello's answer: before `online` is announced, and before any newer event. */
  hello(reply: HelloReply): void;
  event(event: AnyEvent): void;
}

/** The server ends a handler after 10 s, so an answer that takes longer will not come. */
export const REPLY_MS = 12_000;
const OPEN_MS = 15_000;
/** With no network there is nothing to try, but browsers are sometimes wrong about it. */
const OFFLINE_RETRY_MS = 30_000;
/** API Gateway ends a connection after two hours; a new one takes over before. */
const TAKEOVER_MS = 105 * 60_000;
const TAKEOVER_SPREAD_MS = 10 * 60_000;
const TAKEOVER_RETRY_MS = 60_000;
/** While the new one is greeted, what is to be sent has to wait: not for long. */
const TAKEOVER_STEP_MS = 4_000;

function isPowerOfTwo(number: number): boolean {
  return (number & (number - 1)) === 0;
}

/** One lasting connection out of many short ones. */
export class Connection {
  state: ConnectionState = 'idle';
  /** Once it is `signed_out`: why, if the person is signed in all the same. */
  refusal: FailureCode | '' = '';

  #line: Line | null = null;
  /** The one that is about to take over. */
  #next: Line | null = null;
  #failures = 0;
  /** While a hello is not answered: events, which wait as the answer may be older. */
  #early: AnyEvent[] | null = null;
  /** While a line takes over: who waits to send a command, as only one line is told things. */
  #held: (() => void)[] | null = null;
  #timer: Cancel = () => {};
  #takeover: Cancel = () => {};

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
    while (this.#held) await new Promise<void>((go) => this.#held?.push(go));
    if (this.state !== 'online' || !this.#line) throw new Failure('lost');
    return this.#line.send(type, body, timeoutMs);
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
    this.#timer = this.world.clock.after(OPEN_MS, () => this.#failed());
    this.#line = this.#open();
  }

  /** A new line beside the one in use, which is let go of when the new one has been greeted. */
  #takeOver(): void {
    this.#timer = this.world.clock.after(OPEN_MS, () => this.#giveUp());
    this.#next = this.#open();
  }

  #open(): Line {
    const line = new Line(this.world, {
      opened: () => void this.#greet(line),
      event: (event) => {
        if (this.#early) this.#early.push(event);
        else this.events.event(event);
      },
      refused: (code) => {
        if (line === this.#line && this.state === 'online') this.#refused(code);
      },
      failed: () => (line === this.#next ? this.#giveUp() : this.#failed()),
    });
    return line;
  }

  async #greet(line: Line): Promise<void> {
    const isNext = line === this.#next;
    const mine = () => line === (isNext ? this.#next : this.#line);
    this.#timer();
    if (isNext) {
      this.#held = [];
      await this.#line?.quiet(TAKEOVER_STEP_MS);
      if (!mine()) return;
    } else {
      this.#become('hello');
    }
    this.#early = [];
    let reply: HelloReply;
    try {
      reply = await line.send('session.hello', {}, isNext ? TAKEOVER_STEP_MS : REPLY_MS);
    } catch (error) {
      if (!mine()) return;
      if (error instanceof Failure && isOut(error.code)) this.#signedOut(error.code);
      else if (isNext) this.#giveUp();
      else this.#failed();
      return;
    }
    if (!mine()) return;
    if (isNext) this.#replace(line);
    this.#failures = 0;
    this.#takeover = this.world.clock.after(
      TAKEOVER_MS + this.world.random() * TAKEOVER_SPREAD_MS,
      () => this.#takeOver(),
    );
    const early = this.#early ?? [];
    const held = this.#held ?? [];
    this.#early = this.#held = null;
    this.events.hello(reply);
    if (this.state === 'online') this.events.changed('online');
    else this.#become('online');
    for (const event of early) if (line === this.#line) this.events.event(event);
    for (const go of held) go();
  }

  #replace(line: Line): void {
    const old = this.#line;
    this.#line = line;
    this.#next = null;
    // What it has not answered by now is lost with it, as with any connection that breaks.
    if (old?.isBusy) this.#become('hello');
    old?.close();
  }

  /** No line takes over now: go on with the one there is, and try again soon. */
  #giveUp(): void {
    this.#timer();
    this.#dropNext();
    this.#takeover = this.world.clock.after(TAKEOVER_RETRY_MS, () => this.#takeOver());
  }

  #dropNext(): void {
    const early = this.#early ?? [];
    const held = this.#held ?? [];
    this.#early = this.#held = null;
    this.#next?.close();
    this.#next = null;
    if (this.state === 'online') for (const event of early) this.events.event(event);
    for (const go of held) go();
  }

  #refused(code: ErrorCode): void {
    if (code === 'signed_out') this.#signedOut();
    else if (code === 'hello_first') this.#failed();
  }

  #signedOut(why: FailureCode = 'signed_out'): void {
    if (why !== 'signed_out') this.refusal = why;
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

  /** Let go of what there is. */
  #hangUp(): void {
    this.#timer();
    this.#takeover();
    const line = this.#line;
    this.#line = null;
    this.#dropNext();
    line?.close();
  }
}

/** Whether a hello that was refused so is refused again: the session is over, or soon will be. */
function isOut(code: FailureCode): boolean {
  return code === 'signed_out' || code === 'suspended' || code === 'consent_required';
}
