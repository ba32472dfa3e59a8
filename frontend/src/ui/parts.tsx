import type { ComponentChildren, JSX, RefObject } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { failureCode, type FailureCode } from '../core/failure';
import { texts } from '../i18n';
import { isWide, session, watch } from './app';
import { Icon } from './art';
import { lookalikes } from './chunks';
import { failureText } from './failure';
import { initialOf, isolated, lengthOf, tintOf } from './rows';

/**
 * What somebody is called in a room (the one that is shown, unless another is meant), and what
 * tells them from others who look so; who withdrew is called nothing any more.
 */
export function nameOf(userId: string, roomId?: string): string {
  const name = session().called(userId, roomId) ?? texts.value.unknownUser;
  return isolated(name) + (lookalikes.module?.tagOf(userId) ?? '');
}

export function Avatar({ userId, name }: { userId: string; name: string }) {
  return (
    <span class={`avatar tint-${tintOf(userId)}`} aria-hidden="true">
      {name === texts.value.unknownUser ? '?' : initialOf(name)}
    </span>
  );
}

/** One step below the title of a room, which is a part of the page only beside the list. */
export function Subheading(props: JSX.HTMLAttributes<HTMLHeadingElement>) {
  const Heading = isWide.value ? 'h3' : 'h2';
  return <Heading {...props} />;
}

/** Appears when the limit is near. */
export function Counter({ text, most, id }: { text: string; most: number; id?: string }) {
  const used = lengthOf(text);
  const isNear = used > most * 0.8;
  return (
    <span
      id={id}
      class={`counter ${used > most ? 'is-over' : ''} ${isNear ? 'is-shown' : ''}`}
      aria-label={isNear && used <= most ? texts.value.counter(used, most) : undefined}
    >
      {used > most ? texts.value.over(used - most) : isNear ? `${used} / ${most}` : ''}
    </span>
  );
}

interface DialogProps {
  title: string;
  onClose(): void;
  children: ComponentChildren;
  testId?: string;
  class?: string;
}

export function Dialog({ title, onClose, children, testId, class: kind = '' }: DialogProps) {
  const box = useRef<HTMLDialogElement>(null);
  /** A finger that called for this may still be down: its click is not meant for this. */
  const isPressed = useRef(false);
  useLayoutEffect(() => {
    const dialog = box.current;
    dialog?.showModal();
    return () => dialog?.close();
  }, []);
  return (
    <dialog
      ref={box}
      class={`dialog ${kind}`}
      aria-labelledby="dialog-title"
      data-testid={testId}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onPointerDown={(event) => (isPressed.current = event.target === box.current)}
      onClick={(event) => {
        if (isPressed.current && event.target === box.current) onClose();
      }}
    >
      <div class="dialog-body">
        <h2 id="dialog-title">{title}</h2>
        {children}
      </div>
    </dialog>
  );
}

interface BlankProps {
  art?: ComponentChildren;
  title: string;
  text?: string;
  isAlert?: boolean;
  /** It is all that there is. */
  isPage?: boolean;
  /** Between the words and the buttons. */
  more?: ComponentChildren;
  children?: ComponentChildren;
}

/** A page or pane on which there is nothing but an explanation and a way on. */
export function Blank({ art, title, text, isAlert, isPage, more, children }: BlankProps) {
  const Heading = isPage ? 'h1' : 'h2';
  return (
    <div class="blank" role={isAlert ? 'alert' : undefined}>
      {art}
      <Heading>{title}</Heading>
      {text && <p>{text}</p>}
      {more}
      {children && <div class="blank-actions">{children}</div>}
    </div>
  );
}

/** Why something failed. What was only the connection's fault is over when that is back. */
export function useFailure(): [FailureCode | '', (code: FailureCode | '') => void] {
  watch('connection');
  const [code, setCode] = useState<FailureCode | ''>('');
  const isOnline = session().connection.state === 'online';
  useEffect(() => {
    if (isOnline) setCode((was) => (was === 'lost' || was === 'timeout' ? '' : was));
  }, [isOnline]);
  return [code, setCode];
}

/** What a form or button asks for: whether that is under way, and why it failed. */
export function useAttempt() {
  const [error, setError] = useFailure();
  const [isBusy, setBusy] = useState(false);
  const attempt = async (what: () => Promise<void>) => {
    setBusy(true);
    setError('');
    try {
      await what();
    } catch (failure) {
      setError(failureCode(failure));
    } finally {
      setBusy(false);
    }
  };
  return { error, setError, isBusy, attempt };
}

export function ErrorText({ text }: { text: string }) {
  return (
    <p class="error-text" role="alert">
      {text}
    </p>
  );
}

/** Why something failed. */
export function FailureText({ code }: { code: FailureCode }) {
  return <ErrorText text={failureText(code) || '\u00a0'} />;
}

interface IconButtonProps {
  name: Parameters<typeof Icon>[0]['name'];
  label: string;
  onClick(): void;
  testId?: string;
  isPressed?: boolean;
  buttonRef?: RefObject<HTMLButtonElement>;
}

export function IconButton({ name, label, onClick, testId, isPressed, buttonRef }: IconButtonProps) {
  return (
    <button
      ref={buttonRef ?? null}
      type="button"
      class="icon-button"
      aria-label={label}
      aria-pressed={isPressed}
      title={label}
      data-testid={testId}
      onClick={onClick}
    >
      <Icon name={name} />
    </button>
  );
}
