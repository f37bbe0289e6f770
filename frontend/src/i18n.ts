import i18n from 'i18next';
import { initReactI18next } from 'react-i18next';
import { remembered } from './base/remember';
import type account from './locales/en/account.json';
import type app from './locales/en/app.json';
import type commands from './locales/en/commands.json';
import type audit from './locales/en/audit.json';
import type devices from './locales/en/devices.json';
import type dispatch from './locales/en/dispatch.json';
import type explore from './locales/en/explore.json';
import type governance from './locales/en/governance.json';
import type interfaces from './locales/en/interfaces.json';
import type keeping from './locales/en/keeping.json';
import type kinds from './locales/en/kinds.json';
import type links from './locales/en/links.json';
import type models from './locales/en/models.json';
import type network from './locales/en/network.json';
import type personal from './locales/en/personal.json';
import type quality from './locales/en/quality.json';
import type security from './locales/en/security.json';
import type signin from './locales/en/signin.json';
import type forecast from './locales/en/forecast.json';
import type supervision from './locales/en/supervision.json';
import type strategy from './locales/en/strategy.json';
import type savings from './locales/en/savings.json';
import type weather from './locales/en/weather.json';

export const LANGUAGES = ['zh', 'en'] as const;
export type Language = (typeof LANGUAGES)[number];

interface Files {
  signin: typeof signin;
  account: typeof account;
  app: typeof app;
  commands: typeof commands;
  audit: typeof audit;
  kinds: typeof kinds;
  network: typeof network;
  devices: typeof devices;
  links: typeof links;
  personal: typeof personal;
  quality: typeof quality;
  explore: typeof explore;
  strategy: typeof strategy;
  savings: typeof savings;
  weather: typeof weather;
  dispatch: typeof dispatch;
  forecast: typeof forecast;
  supervision: typeof supervision;
  models: typeof models;
  keeping: typeof keeping;
  interfaces: typeof interfaces;
  governance: typeof governance;
  security: typeof security;
}
type Part = keyof Files;
type All<T> = (T extends unknown ? (words: T) => void : never) extends (words: infer W) => void ? W : never;

declare module 'i18next' {
  interface CustomTypeOptions {
    defaultNS: 'translation';
    resources: { translation: All<Files[Part]> };
    returnNull: false;
  }
}

function byBrowser(): Language {
  return /^en/i.test(navigator.language) ? 'en' : 'zh';
}

export const language = remembered<Language>('language', LANGUAGES, byBrowser());

// Only the chosen language is fetched, and of it only what the pages seen so far say.
const files = import.meta.glob<{ default: object }>('./locales/*/*.json');
const seen = new Set<Part>(['signin']);
const loaded = new Set<string>();

async function fetchWords(of: Language, part: Part): Promise<void> {
  const file = `./locales/${of}/${part}.json`;
  const load = files[file];
  if (!load || loaded.has(file)) return;
  const words = await load();
  loaded.add(file);
  i18n.addResourceBundle(of, 'translation', words.default, true);
}

/** What `load` gives, once these words are there too: for pages that are fetched when opened. */
export async function withWords<T>(parts: Part[], load: Promise<T>): Promise<T> {
  parts.forEach((part) => seen.add(part));
  const of = language.get();
  const [page] = await Promise.all([load, ...parts.map((part) => fetchWords(of, part))]);
  return page;
}

async function show(chosen: Language): Promise<void> {
  await Promise.all([...seen].map((part) => fetchWords(chosen, part)));
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
