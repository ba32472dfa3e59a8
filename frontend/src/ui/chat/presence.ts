import { useEffect, useRef, useState } from 'preact/hooks';
import type { RoomState } from '../../core/room';
import type { PresentReply } from '../../protocol';
import { isVisible, session } from '../app';

const REFRESH_MS = 30_000;
/** When many come and go, they are not asked about one by one. */
const PAUSE_MS = 2_000;

export interface Present {
  /** Undefined until it is known. */
  userIds: ReadonlySet<string> | undefined;
  /** Of how many one knows that they are connected; `userIds` may not hold them all. */
  count: number;
  hasFailed: boolean;
}

/** Who of a room is connected: asked at once, when somebody comes or goes, and now and then. */
export function usePresent(room: RoomState): Present {
  const [reply, setReply] = useState<PresentReply | null>(null);
  const [hasFailed, setFailed] = useState(false);
  const askedAt = useRef(-Infinity);
  const isOnline = session().connection.state === 'online';
  const isAsking = isOnline && isVisible.value;

  useEffect(() => {
    if (!isAsking) return;
    let isOver = false;
    let timer: ReturnType<typeof setTimeout>;
    const ask = async () => {
      askedAt.current = performance.now();
      try {
        const present = await session().present(room.id);
        if (isOver) return;
        setReply(present);
        setFailed(false);
      } catch {
        if (isOver) return;
        setFailed(true);
      }
      timer = setTimeout(() => void ask(), REFRESH_MS);
    };
    const pause = askedAt.current + PAUSE_MS - performance.now();
    timer = setTimeout(() => void ask(), Math.max(0, pause));
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [room.id, isAsking, room.memberCount]);

  return {
    userIds: reply && isOnline ? new Set(reply.user_ids) : undefined,
    count: reply?.count ?? 0,
    hasFailed: isOnline && hasFailed,
  };
}
