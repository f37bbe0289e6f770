import i18n from 'i18next';
import { ApiError } from '../api/client';
import { language } from '../i18n';

/** What went wrong and what to do, in the person's language. */
export function problemText(error: unknown): string {
  if (error instanceof ApiError) {
    const { message_zh, message_en, thing } = error.body;
    const told = language.get() === 'zh' ? message_zh || message_en : message_en || message_zh;
    const about = thing && !told.includes(thing) ? `${told} (${thing})` : told;
    return about || i18n.t('problem.unknown');
  }
  return i18n.t('problem.unreachable');
}

/** The platform's advice, where it gave one. */
export function problemFix(error: unknown): string {
  if (!(error instanceof ApiError)) return '';
  const { fix, fix_zh } = error.body;
  return (language.get() === 'zh' ? fix_zh || fix : fix) ?? '';
}
