import { computed } from '@preact/signals';
import type { FailureCode } from '../core/failure';
import { lang } from '.';

/** `internal` and `lost` are in the first load: without a connection these can't be fetched. */
type Errors = Record<Exclude<FailureCode, 'internal' | 'lost'>, string>;

const koErrors: Errors = {
  invalid_frame: '요청이 올바르지 않습니다. 새로 고친 뒤 다시 시도해 주세요.',
  invalid_field: '입력한 내용을 확인해 주세요.',
  unknown_type: '새 버전이 나왔습니다. 새로 고친 뒤 다시 시도해 주세요.',
  hello_first: '연결이 끊어졌습니다. 잠시 후 다시 시도해 주세요.',
  signed_out: '로그인이 만료되었습니다. 다시 로그인해 주세요.',
  room_not_found: '없거나 닫힌 대화방입니다.',
  room_name_taken: '이미 있는 대화방 이름입니다. 다른 이름을 적어 주세요.',
  stale: '가는 데 너무 오래 걸렸습니다. 다시 보냅니다.',
  not_member: '이 대화방의 멤버가 아닙니다.',
  too_many_rooms: '들어갈 수 있는 대화방 수를 넘었습니다. 다른 방에서 나간 뒤 시도해 주세요.',
  host_must_choose: '방장은 다음 방장을 정하거나 방을 닫아야 나갈 수 있습니다.',
  not_host: '방장만 할 수 있습니다.',
  successor_not_member: '고른 사람이 이미 방에서 나갔습니다. 다른 사람을 골라 주세요.',
  not_allowed: '이 방에서 맡은 역할로는 할 수 없습니다.',
  member_not_found: '이미 방에 없는 사람입니다.',
  too_many_managers: '부방장을 더 둘 수 없습니다.',
  banned: '이 대화방에 들어갈 수 없도록 내보내졌습니다.',
  room_locked: '잠긴 대화방입니다. 지금은 새로 들어갈 수 없습니다.',
  chat_not_found: '지워졌거나 없는 메시지입니다.',
  not_author: '자신이 쓴 메시지만 고치거나 지울 수 있습니다.',
  too_many_reactions: '이 메시지에는 반응을 더 남길 수 없습니다.',
  forbidden_origin: '이 주소에서는 요청할 수 없습니다.',
  consent_refused: '카카오 로그인을 취소했습니다. 원할 때 다시 시작할 수 있습니다.',
  sign_in_expired: '로그인 시간이 지났습니다. 처음부터 다시 시도해 주세요.',
  kakao_refused: '카카오가 로그인을 받아들이지 않았습니다. 다시 시도해 주세요.',
  kakao_unavailable: '카카오가 응답하지 않습니다. 잠시 후 다시 시도해 주세요.',
  too_fast: '너무 빠릅니다. 잠시 뒤에 다시 시도해 주세요.',
  slow_mode: '천천히 대화하는 방입니다. 잠시 뒤에 다시 보내 주세요.',
  silenced: '이 대화방에서 당분간 글을 쓸 수 없습니다.',
  suspended: '정지된 계정입니다.',
  user_not_found: '탈퇴했거나 없는 사람입니다.',
  too_many_blocks: '더는 차단할 수 없습니다. 차단 목록에서 먼저 풀어 주세요.',
  bad_word: '쓸 수 없는 말이 들어 있습니다. 다른 이름을 적어 주세요.',
  timeout: '응답이 늦어지고 있습니다. 다시 시도해 주세요.',
};

const enErrors: Errors = {
  invalid_frame: 'That request was malformed. Reload the page and try again.',
  invalid_field: 'Please check what you entered.',
  unknown_type: 'There is a newer version. Reload the page and try again.',
  hello_first: 'The connection was lost. Try again in a moment.',
  signed_out: 'Your session has ended. Please sign in again.',
  room_not_found: 'This room does not exist, or was closed.',
  stale: 'That took too long on its way. It is sent again.',
  room_name_taken: 'There is a room of that name already. Please choose another.',
  not_member: 'You are not a member of this room.',
  too_many_rooms: 'You are in as many rooms as possible. Leave one and try again.',
  host_must_choose: 'A host has to hand the room over or close it before leaving.',
  not_host: 'Only the host can do that.',
  successor_not_member: 'That person has left the room. Please choose somebody else.',
  not_allowed: 'Your role in this room does not allow that.',
  member_not_found: 'This person is not in the room any more.',
  too_many_managers: 'There can’t be more managers.',
  banned: 'You are banned from this room.',
  room_locked: 'This room is locked: nobody new can enter for now.',
  chat_not_found: 'This message was deleted, or never was.',
  not_author: 'You can only edit or delete your own messages.',
  too_many_reactions: 'This message cannot take any more reactions.',
  forbidden_origin: 'Requests from this address are not allowed.',
  consent_refused: 'You cancelled the Kakao sign-in. You can start again whenever you like.',
  sign_in_expired: 'The sign-in took too long. Please start again.',
  kakao_refused: 'Kakao refused the sign-in. Please try again.',
  kakao_unavailable: 'Kakao is not answering. Please try again in a moment.',
  too_fast: 'That was too fast. Try again in a moment.',
  slow_mode: 'This room is in slow mode. Try again in a moment.',
  silenced: 'You can’t write in this room for the time being.',
  suspended: 'This account is suspended for breaking the rules.',
  user_not_found: 'There is no such person any more.',
  too_many_blocks: 'You cannot block any more people. Unblock somebody first.',
  bad_word: 'That name has a word that can’t be used. Choose another.',
  timeout: 'The answer is taking too long. Please try again.',
};

const ko = {
  errors: koErrors,
  notSent: '보내지 못함',
  notEdited: '고치지 못함',
  edit: '고치기',
  discard: '지우기',
};

const en: typeof ko = {
  errors: enErrors,
  notSent: 'Not sent',
  notEdited: 'Not changed',
  edit: 'Edit',
  discard: 'Discard',
};

/** What is said of things that went wrong. */
export const failureTexts = computed(() => (lang.value === 'ko' ? ko : en));
