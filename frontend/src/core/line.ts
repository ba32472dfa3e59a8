import type {
  AnyEvent,
  Commands,
  CommandType,
  ErrorCode,
  ErrorReply,
  Replies,
} from '../protocol';
import { Failure } from './failure';
import type { Cancel, Socket, World } from './ports';

/** A command without what the connection adds. */
export type Body<C extends CommandType> = Omit<Commands[C], 'type' | 'ref'>;

/** What a line tells; nothing more once it is closed. */
export interface LineEvents {
  opened(): void;
  event(event: AnyEvent): void;
  /** A command was refused with that. */
  refused(code: ErrorCode): void;
  /** It was closed, or is dead: of no use any more. */
  failed(): void;
}

interface Pending {
  cancel: Cancel;
  resolve(reply: Replies[CommandType]): void;
  reject(failure: Failure): void;
}

/** One socket, with the commands that were sent over it and wait for their answers. */
export class Line {
  #socket: Socket | null;
  #lastRef = 0;
  /** Frames that came, to know whether any came since. */
  #heard = 0;
  #pending = new Map<string, Pending>();
  #isClosed = false;
  #quiet: () => void = () => {};

  constructor(
    private readonly world: World,
    private readonly events: LineEvents,
  ) {
    const told = (tell: () => void) => {
      if (!this.#isClosed) tell();
    };
    this.#socket = world.dial({
      opened: () => told(() => events.opened()),
      frame: (text) => told(() => this.#frame(text)),
      closed: () => told(() => events.failed()),
    });
  }

  get isBusy(): boolean {
    return this.#pending.size > 0;
  }

  /** Resolves when every command is answered, or after that time. */
  async quiet(ms: number): Promise<void> {
    if (!this.isBusy) return;
    await new Promise<void>((resolve) => {
      const cancel = this.world.clock.after(ms, resolve);
      this.#quiet = () => {
        cancel();
        resolve();
      };
    });
  }

  /** Send a command; throws what it was refused with, `lost`, or `timeout`. */
  send<C extends CommandType>(type: C, body: Body<C>, timeoutMs: number): Promise<Replies[C]> {
    const ref = String(++this.#lastRef);
    const heard = this.#heard;
    return new Promise<Replies[C]>((resolve, reject) => {
      const cancel = this.world.clock.after(timeoutMs, () => {
        this.#settle(ref)?.reject(new Failure('timeout'));
        // Nothing at all came since: the line is dead and nobody has told us.
        if (this.#heard === heard) this.events.failed();
      });
      this.#pending.set(ref, { cancel, resolve: resolve as Pending['resolve'], reject });
      try {
        this.#socket?.send(JSON.stringify({ type, ref, ...body }));
      } catch {
        this.events.failed();
      }
    });
  }

  /** Let go of the socket and fail what waits for an answer. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#socket?.close();
    for (const ref of this.#pending.keys()) this.#settle(ref)?.reject(new Failure('lost'));
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
    if (frame.type === 'ok') {
      const reply = frame as Replies[CommandType];
      this.#settle(reply.ref ?? '')?.resolve(reply);
    } else if (frame.type === 'error') {
      const { ref = '', code, message, field = '', retry_after_ms = 0 } = frame as ErrorReply;
      this.#settle(ref)?.reject(new Failure(code, message, field, retry_after_ms));
      this.events.refused(code);
    } else if (typeof frame.type === 'string') {
      this.events.event(frame as AnyEvent);
    } else if ('message' in frame && this.#pending.size === 1) {
      // API Gateway's own "Internal server error" does not say which command it means.
      for (const ref of this.#pending.keys()) this.#settle(ref)?.reject(new Failure('internal'));
    }
  }

  #settle(ref: string): Pending | undefined {
    const pending = this.#pending.get(ref);
    this.#pending.delete(ref);
    pending?.cancel();
    if (!this.isBusy) this.#quiet();
    return pending;
  }
}
