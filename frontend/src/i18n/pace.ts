import { computed } from '@preact/signals';
import { lang } from '.';

const ko = {
  too_fast: '메시지를 천천히 보내고 있어요',
  slow_mode: '천천히 대화하는 방이에요',
  silenced: '지금은 글을 쓸 수 없어요',
  left: (seconds: number) => `${seconds}초`,
};

const en: typeof ko = {
  too_fast: 'Sending slowly, one after the other',
  slow_mode: 'This room is in slow mode',
  silenced: 'You can’t write here for now',
  left: (seconds) => `${seconds} s`,
};

/** What is said while a chat waits for its turn. */
export const paceTexts = computed(() => (lang.value === 'ko' ? ko : en));
