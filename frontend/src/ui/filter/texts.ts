import { computed } from '@preact/signals';
import { lang } from '../../i18n';
import { ROOM_WORD_LENGTH_MAX, ROOM_WORD_LENGTH_MIN, ROOM_WORDS_MAX } from '../../protocol';
import type { Problem } from './words';

const ko = {
  title: '금칙어',
  hint: '앞으로 이 방에 쓰는 말에서 가려집니다(＊＊). 띄어 쓰거나 자모를 나누어 써도 찾아냅니다.',
  seen: '목록은 방장과 부방장만 볼 수 있습니다.',
  field: '새 금칙어',
  placeholder: '단어를 쓰고 Enter',
  list: '이 방의 금칙어',
  none: '아직 금칙어가 없습니다.',
  count: (count: number) => `${count} / ${ROOM_WORDS_MAX}`,
  counted: (count: number) => `금칙어 ${count}개, ${ROOM_WORDS_MAX}개까지`,
  add: '추가',
  remove: (word: string) => `${word} 지우기`,
  removed: (word: string) => `${word} 지움`,
  saved: '금칙어를 저장했습니다.',
  problems: {
    short: `${ROOM_WORD_LENGTH_MIN}자 이상이어야 합니다.`,
    long: `${ROOM_WORD_LENGTH_MAX}자까지 쓸 수 있습니다.`,
    letters: '띄어쓰기, 숫자, 기호 없이 글자만 쓸 수 있습니다.',
    twice: '이미 있습니다.',
    full: `${ROOM_WORDS_MAX}개까지 넣을 수 있습니다.`,
  } satisfies Record<Problem, string>,
};

const en: typeof ko = {
  title: 'Filter words',
  hint: 'Masked (**) in what is written here from now on, also when spelt with spaces or signs between.',
  seen: 'Only the host and managers see this list.',
  field: 'New filter word',
  placeholder: 'Type a word, then Enter',
  list: 'Filter words of this room',
  none: 'No filter words yet.',
  count: (count) => `${count} / ${ROOM_WORDS_MAX}`,
  counted: (count) => `${count} of at most ${ROOM_WORDS_MAX} filter words`,
  add: 'Add',
  remove: (word) => `Remove ${word}`,
  removed: (word) => `${word} removed`,
  saved: 'The filter words are saved.',
  problems: {
    short: `Needs at least ${ROOM_WORD_LENGTH_MIN} letters.`,
    long: `Has at most ${ROOM_WORD_LENGTH_MAX} letters.`,
    letters: 'Only letters: no spaces, digits or signs.',
    twice: 'Is in the list already.',
    full: `At most ${ROOM_WORDS_MAX} words.`,
  },
};

/** What is said of a room's own filter words. */
export const filterTexts = computed(() => (lang.value === 'ko' ? ko : en));
