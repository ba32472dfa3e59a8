import type { Entry, Pin, Role } from '../protocol';
import type { RoomState } from './room';

/**
 * What the host and the managers have made of a room: what a snapshot says, and then its notices
 * that the snapshot does not know of yet, in the order of the log. Made anew where it is shown, as
 * few need it.
 */
export class Rules {
  hostId: string;
  managerIds: readonly string[];
  slowMs: number;
  isLocked: boolean;
  pinned: Pin | undefined;
  /** Until when oneself may say nothing, by the server's clock. */
  silencedUntil: number;

  constructor(
    { ruled, notices }: Pick<RoomState, 'ruled' | 'notices'>,
    private readonly me: string,
  ) {
    this.hostId = ruled.host_id;
    this.managerIds = ruled.manager_ids ?? [];
    this.slowMs = ruled.slow_ms ?? 0;
    this.isLocked = ruled.locked ?? false;
    this.pinned = ruled.pinned;
    this.silencedUntil = ruled.silenced_until ?? 0;
    for (const notice of notices) this.#happened(notice);
  }

  #happened(entry: Entry): void {
    const { kind, user_id: by, about = '', text = '', reply_to: pinned = 0 } = entry;
    switch (kind) {
      case 'host_changed':
        this.hostId = by;
        this.managerIds = without(this.managerIds, by);
        break;
      case 'role_changed':
        this.managerIds = without(this.managerIds, about);
        if (text === 'manager') this.managerIds = [...this.managerIds, about];
        break;
      case 'left':
        this.managerIds = without(this.managerIds, by);
        break;
      case 'kicked':
        this.managerIds = without(this.managerIds, about);
        break;
      case 'silenced':
        if (about === this.me) {
          this.silencedUntil = Number(text) ? entry.at + Number(text) * 1000 : 0;
        }
        break;
      case 'slowed':
        this.slowMs = Number(text) * 1000;
        break;
      case 'locked':
      case 'unlocked':
        this.isLocked = kind === 'locked';
        break;
      case 'pinned':
        this.pinned = { seq: pinned, user_id: by };
        break;
      case 'unpinned':
        this.pinned = undefined;
        break;
    }
  }

  roleOf(userId: string): Role {
    if (userId === this.hostId) return 'host';
    return this.managerIds.includes(userId) ? 'manager' : 'member';
  }

  /** Whether oneself may do to somebody what the host may do to all. */
  isAbove(userId: string): boolean {
    const mine = this.roleOf(this.me);
    if (userId === this.me || mine === 'member') return false;
    return mine === 'host' || this.roleOf(userId) === 'member';
  }

  /** Whether oneself may change how the room is. */
  get mayModerate(): boolean {
    return this.roleOf(this.me) !== 'member';
  }
}

function without(ids: readonly string[], id: string): readonly string[] {
  return ids.includes(id) ? ids.filter((each) => each !== id) : ids;
}
