import { computed } from '@preact/signals';
import { lang } from '.';

const ko = {
  title: '참여 코드를 적어 주세요',
  text: '코드를 아는 사람만 들어갈 수 있는 방입니다. 코드는 방장이나 친구에게 물어보세요.',
  label: '참여 코드',
  enter: '들어가기',
  wait: (minutes: number) => `여러 번 틀렸습니다. ${minutes}분 뒤에 다시 시도해 주세요.`,
  toRooms: '대화방 목록으로',
};

const en: typeof ko = {
  title: 'Enter the passcode',
  text: 'Only people who know the passcode can enter this room. Ask its host or a friend for it.',
  label: 'Passcode',
  enter: 'Enter',
  wait: (minutes) =>
    `Too many wrong tries. Try again in ${minutes} ${minutes === 1 ? 'minute' : 'minutes'}.`,
  toRooms: 'Back to rooms',
};

/** What a room says that asks for a passcode. */
export const passcodeTexts = computed(() => (lang.value === 'ko' ? ko : en));
