import { computed } from '@preact/signals';
import { lang } from '../../i18n';
import type { ReportReason } from '../../protocol';

const ko = {
  about: (name: string) => `${name}님`,
  more: (name: string) => `${name}님 차단·신고`,
  block: '차단',
  unblock: '차단 풀기',
  blockTitle: (name: string) => `${name}님을 차단할까요?`,
  blockText:
    '내 모든 기기에서 이 사람의 메시지가 가려지고 알림이 오지 않습니다. 상대방에게는 알리지 않습니다. 차단은 내 정보에서 언제든 풀 수 있습니다.',
  didBlock: '차단했습니다.',
  didUnblock: '차단을 풀었습니다.',
  tag: '차단함',
  report: '신고',
  reportChat: '이 메시지를 신고할까요?',
  reportPerson: (name: string) => `${name}님을 신고할까요?`,
  why: '신고하는 까닭',
  reasons: {
    spam: '스팸·광고',
    abuse: '욕설·괴롭힘',
    sexual: '음란·성희롱',
    minor: '아동·청소년 대상 범죄',
    fraud: '사기·사칭',
    other: '그 밖의 문제',
  } satisfies Record<ReportReason, string>,
  note: '자세한 내용 (선택)',
  reportText: '지금 이 대화의 앞뒤 메시지가 운영자에게 함께 전달됩니다. 상대방에게는 알리지 않습니다.',
  alsoBlock: '이 사람을 차단하기',
  send: '신고하기',
  didReport: '신고를 접수했습니다. 운영자가 확인합니다.',
  blockedPeople: '차단한 사람',
  nobody: '차단한 사람이 없습니다.',
  listFailed: '차단한 사람을 불러오지 못했습니다.',
  morePeople: '더 보기',
};

const en: typeof ko = {
  about: (name) => name,
  more: (name) => `Block or report ${name}`,
  block: 'Block',
  unblock: 'Unblock',
  blockTitle: (name) => `Block ${name}?`,
  blockText:
    'Their messages are hidden on all your devices, without any notification. They are not told. You can unblock them at any time under “Me”.',
  didBlock: 'Blocked.',
  didUnblock: 'Unblocked.',
  tag: 'Blocked',
  report: 'Report',
  reportChat: 'Report this message?',
  reportPerson: (name) => `Report ${name}?`,
  why: 'What is wrong',
  reasons: {
    spam: 'Spam or advertising',
    abuse: 'Insults or harassment',
    sexual: 'Sexual content or harassment',
    minor: 'Crime against a minor',
    fraud: 'Fraud or impersonation',
    other: 'Something else',
  },
  note: 'Details (optional)',
  reportText: 'The operators also get the messages around it as they are now. The person is not told.',
  alsoBlock: 'Block this person, too',
  send: 'Report',
  didReport: 'Thank you. The operators will look at your report.',
  blockedPeople: 'Blocked people',
  nobody: 'You have not blocked anybody.',
  listFailed: 'The people you blocked could not be loaded.',
  morePeople: 'Show more',
};

/** What blocking and reporting say, in the language of the page. */
export const safetyTexts = computed(() => (lang.value === 'ko' ? ko : en));
