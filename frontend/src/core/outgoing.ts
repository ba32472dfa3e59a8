import type { Entry } from '../protocol';
import type { FailureCode } from './failure';

/** A chat that is answered: `seq` means something in one log only. */
export interface Answered {
  seq: number;
  epoch: string;
}

/** What is stored of a chat on its way. */
export interface Stored {
  cid: string;
  roomId: string;
  text: string;
  /** What it answers. */
  reply?: Answered;
  typedAt: number;
  /** The tab that sends it. */
  tab: string;
  /** The last `seq` and the epoch held at the first try; absent before it. */
  since?: number;
  epoch?: string;
  /** Why it will not be sent, unless somebody asks for it again. */
  failed?: FailureCode;
}

/** Why a chat is not sent yet, and until when. */
export interface Held {
  readonly code: FailureCode;
  readonly until: number;
}

/** A chat on its way, as the page shows it. */
export interface Outgoing {
  readonly cid: string;
  readonly roomId: string;
  readonly text: string;
  /** The chat that it answers; 0: none. */
  readonly replyTo: number;
  readonly typedAt: number;
  readonly state: 'sending' | 'sent' | 'failed';
  readonly failed: FailureCode | undefined;
  /** False: it goes with the page, as this device can't store it. */
  readonly isKept: boolean;
}

/** As the outbox keeps it. */
export class Item implements Outgoing {
  readonly cid: string;
  readonly roomId: string;
  readonly text: string;
  reply: Answered | undefined;
  readonly typedAt: number;
  since: number | undefined;
  epoch: string;
  failed: FailureCode | undefined;
  isKept = false;
  /** Answers of the server, in a row, that it could not do it. */
  errors = 0;
  /** Tries in a row that got no answer. */
  silences = 0;
  /** Not tried before. */
  dueAt = 0;
  /** The server wants it later. */
  held: Held | undefined;
  /** The server's answer, while the log does not show it yet. */
  entry: Entry | undefined;

  constructor(stored: Stored) {
    this.cid = stored.cid;
    this.roomId = stored.roomId;
    this.text = stored.text;
    this.reply = stored.reply;
    this.typedAt = stored.typedAt;
    this.since = stored.since;
    this.epoch = stored.epoch ?? '';
    this.failed = stored.failed;
  }

  get replyTo(): number {
    return this.reply?.seq ?? 0;
  }

  get state(): Outgoing['state'] {
    if (this.failed) return 'failed';
    return this.entry ? 'sent' : 'sending';
  }

  stored(tab: string): Stored {
    const { cid, roomId, text, reply, typedAt, since, epoch, failed } = this;
    return {
      cid,
      roomId,
      text,
      typedAt,
      tab,
      ...(reply ? { reply } : {}),
      ...(since === undefined ? {} : { since, epoch }),
      ...(failed ? { failed } : {}),
    };
  }
}
