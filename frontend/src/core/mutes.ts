import type { RoomState } from './room';

export interface MutePost {
  send(roomId: string, on: boolean): Promise<unknown>;
  /** Something of this room is to be shown again. */
  changed(roomId: string): void;
  /** Only the server can tell how it is by now. */
  doubt(roomId: string): void;
}

/**
 * Mutes rooms, and unmutes them. What the person wants is shown at once, and taken back if it is
 * refused; of one room the next wish is sent only when the one before it is answered, or an old
 * one could undo it.
 */
export class Mutes {
  #running = new Map<RoomState, Promise<void>>();

  constructor(private readonly post: MutePost) {}

  /** Resolves when the server has taken it. */
  set(room: RoomState, on: boolean): Promise<void> {
    room.muteWish = on;
    this.post.changed(room.id);
    let running = this.#running.get(room);
    if (!running) {
      running = this.#run(room);
      this.#running.set(room, running);
    }
    return running;
  }

  /** It was done on another device: before or after what was done here, if anything was. */
  told(room: RoomState, on: boolean): void {
    room.isMuted = on;
    this.post.doubt(room.id);
    this.post.changed(room.id);
  }

  async #run(room: RoomState): Promise<void> {
    try {
      while (room.muteWish !== undefined) {
        const wish = room.muteWish;
        await this.post.send(room.id, wish);
        room.isMuted = wish;
        if (room.muteWish === wish) room.muteWish = undefined;
      }
    } catch (error) {
      // It may have been done all the same.
      this.post.doubt(room.id);
      throw error;
    } finally {
      room.muteWish = undefined;
      this.#running.delete(room);
      this.post.changed(room.id);
    }
  }
}
