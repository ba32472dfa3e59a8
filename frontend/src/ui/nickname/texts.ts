import { computed } from '@preact/signals';
import { lang } from '../../i18n';

const ko = {
  title: '이 방에서 쓸 이름',
  change: '이 방에서 쓸 이름 정하기',
  hint: '이 방에서만 이 이름으로 보입니다. 비워 두면 계정 이름을 씁니다.',
  told: '바꾸면 방에 있는 모두에게 알립니다.',
  account: (name: string) => `계정: ${name}`,
  empty: '보이는 글자를 한 자 이상 써 주세요.',
  tooLong: (most: number) => `${most}자까지 쓸 수 있습니다.`,
  changed: '이 방에서 쓸 이름을 바꾸었습니다.',
  taken: '이제 이 방에서도 계정 이름을 씁니다.',
};

const en: typeof ko = {
  title: 'Your name in this room',
  change: 'Choose a name for this room',
  hint: 'Only this room sees you by this name. Leave it empty to go by your account’s.',
  told: 'Everybody in the room is told of a change.',
  account: (name) => `Account: ${name}`,
  empty: 'Write at least one visible character.',
  tooLong: (most) => `At most ${most} characters.`,
  changed: 'Your name in this room was changed.',
  taken: 'You go by your account’s name in this room again.',
};

/** What is said of one's name in a room. */
export const nicknameTexts = computed(() => (lang.value === 'ko' ? ko : en));
