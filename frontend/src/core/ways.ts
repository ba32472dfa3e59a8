import type { Access } from '../protocol';
import type { RoomState } from './room';

export interface WayIn {
  access: Access;
  /** How many can be in the room; 0: any number. */
  capacity: number;
}

/** Who can join a room: what its snapshot says, or the latest notice after it. */
export function wayInOf({ ruled, notices }: Pick<RoomState, 'ruled' | 'notices'>): WayIn {
  const said = (kind: string) => notices.findLast((notice) => notice.kind === kind)?.text;
  return {
    access: (said('access_changed') as Access | undefined) ?? ruled.access ?? 'open',
    capacity: Number(said('capacity_changed') ?? ruled.capacity ?? 0),
  };
}
