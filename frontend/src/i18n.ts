import i18n from 'i18next';
import { initReactI18next } from 'react-i18next';
import { remembered } from './base/remember';
import type words from './locales/en.json';

export const LANGUAGES = ['zh', 'en'] as const;
export type Language = (typeof LANGUAGES)[number];

declare module 'i18next' {
  interface CustomTypeOptions {
    defaultNS: 'translation';
    resources: { translation: typeof words };
    returnNull: false;
  }
}

function byBrowser(): Language {
  return /^en/i.test(navigator.language) ? 'en' : 'zh';
}

export const language = remembered<Language>('language', LANGUAGES, byBrowser());

// Only the chosen language is fetched.
const load: Record<Language, () => Promise<{ default: object }>> = {
  zh: () => import('./locales/zh.json'),
  en: () => import('./locales/en.json'),
};

async function show(chosen: Language): Promise<void> {
  if (!i18n.hasResourceBundle(chosen, 'translation')) {
    const bundle = await load[chosen]();
    i18n.addResourceBundle(chosen, 'translation', bundle.default);
  }
  await i18n.changeLanguage(chosen);
  document.documentElement.lang = chosen;
  document.title = i18n.t('product');
}

export async function startLanguage(): Promise<void> {
  await i18n.use(initReactI18next).init({
    lng: language.get(),
    fallbackLng: false,
    resources: {},
    interpolation: { escapeValue: false },
    react: { useSuspense: false },
  });
  await show(language.get());
  language.subscribe(() => void show(language.get()));
}

/** The name of something the platform names in both languages. */
export function named(thing: { zh: string; en: string }): string {
  return language.get() === 'zh' ? thing.zh || thing.en : thing.en || thing.zh;
}
