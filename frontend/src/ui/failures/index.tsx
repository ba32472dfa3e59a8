/** What went wrong: reasons in words, and chats and edits that did not get through. */
export { failureTexts } from '../../i18n/failures';
export { ChatFailed } from './ChatFailed';
