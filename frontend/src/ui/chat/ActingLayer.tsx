import { useEffect } from 'preact/hooks';
import { texts } from '../../i18n';
import { Chunked } from '../Chunked';
import { acting, actions } from './acting';

/** What lies over the page: the menu of a chat and what comes of it. */
export function ActingLayer({ roomId }: { roomId: string }) {
  const open = acting.value;
  const { module } = actions;
  useEffect(() => {
    // Before the first finger draws a chat aside.
    if (matchMedia('(pointer: coarse)').matches) void actions.load();
  }, []);
  useEffect(() => module?.swipeToReply(roomId), [module, roomId]);
  useEffect(() => () => void (acting.value = null), []);
  if (!open) return null;
  const close = () => void (acting.value = null);
  return (
    <Chunked chunk={actions} title={texts.value.chat.actions} onClose={close}>
      {({ Actions }) => <Actions open={open} onClose={close} />}
    </Chunked>
  );
}
