import { computed } from '@preact/signals';
import { lang } from '../../i18n';

const ko = {
  react: '반응',
  more: '이모지 더 보기',
  reply: '답장',
  copy: '복사',
  copied: '복사했습니다.',
  notCopied: '복사하지 못했습니다.',
  edit: '고치기',
  remove: '삭제',
  removeTitle: '메시지를 삭제할까요?',
  removeText: '모두의 대화에서 삭제됩니다. 되돌릴 수 없습니다.',
  pick: '이모지 고르기',
  search: '이모지 검색',
  nothing: '맞는 이모지가 없습니다.',
  recent: '최근에 쓴 이모지',
  tone: '피부색',
  tones: ['기본', '아주 밝게', '밝게', '중간', '어둡게', '아주 어둡게'],
  groups: [
    '표정과 감정',
    '사람과 몸',
    '동물과 자연',
    '음식과 음료',
    '여행과 장소',
    '활동',
    '사물',
    '기호',
    '깃발',
  ],
  found: (count: number) => `이모지 ${count}개`,
};

const en: typeof ko = {
  react: 'React',
  more: 'More emoji',
  reply: 'Reply',
  copy: 'Copy',
  copied: 'Copied.',
  notCopied: 'Could not copy.',
  edit: 'Edit',
  remove: 'Delete',
  removeTitle: 'Delete this message?',
  removeText: 'It is deleted for everybody. This cannot be undone.',
  pick: 'Choose an emoji',
  search: 'Search emoji',
  nothing: 'No emoji matches.',
  recent: 'Recently used',
  tone: 'Skin tone',
  tones: ['Default', 'Light', 'Medium-light', 'Medium', 'Medium-dark', 'Dark'],
  groups: [
    'Smileys and emotion',
    'People and body',
    'Animals and nature',
    'Food and drink',
    'Travel and places',
    'Activities',
    'Objects',
    'Symbols',
    'Flags',
  ],
  found: (count) => `${count} emoji`,
};

/** What the menu and the picker say, in the language of the page. */
export const words = computed(() => (lang.value === 'ko' ? ko : en));
